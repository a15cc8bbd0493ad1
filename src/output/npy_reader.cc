#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "output/npy.h"
#include "output/npy_header.h"
#include "runtime/fail.h"
#include "runtime/system_path.h"

namespace contentvec::output {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const char>;

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kLongestHeader = 1 << 16;  // of the 64 dimensions allowed, with room to spare

/// A stored float16, known by its bits.
struct Half {
  uint16_t bits;
};

float to_float(Half half) {
  const int exponent = (half.bits >> 10) & 0x1f;
  const int fraction = half.bits & 0x3ff;
  const float sign = (half.bits & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  if (exponent < 31) return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return sign *
         (fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN());
}

float to_float(float value) {
  return value;
}

float to_float(double value) {
  return static_cast<float>(value);
}

/// Where each element of an array in C order lies in the same array in Fortran order.
std::vector<size_t> fortran_positions(std::span<const int64_t> shape, size_t count) {
  std::vector<size_t> positions(count, 0);
  size_t c_stride = count;
  size_t fortran_stride = 1;
  for (const int64_t signed_size : shape) {
    const auto size = static_cast<size_t>(signed_size);
    if (count == 0) break;
    c_stride /= size;
    for (size_t i = 0; i < count; ++i) positions[i] += i / c_stride % size * fortran_stride;
    fortran_stride *= size;
  }
  return positions;
}

class Reader {
 public:
  explicit Reader(const fs::path& path) : doing_(fmt::format("cannot read '{}'", path.string())) {
    std::error_code error;
    const auto type = fs::status(system_path(path.native()), error).type();
    if (type == fs::file_type::not_found) fail("{}: there is no such file; check the path", doing_);
    if (type == fs::file_type::directory) fail("{}: it is a folder; expected a .npy file", doing_);
    if (type != fs::file_type::regular) fail("{}: expected a regular .npy file", doing_);
    auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
    size_ = static_cast<size_t>(fs::file_size(path, error));
    if (!*file || error) fail("{}: opening it failed; check its permissions", doing_);
    in_ = std::move(file);
  }
  Reader(std::span<const std::byte> file, const std::string& name)
      : doing_(fmt::format("cannot read '{}'", name)),
        in_(std::make_unique<std::istringstream>(
            std::string(reinterpret_cast<const char*>(file.data()), file.size()))),
        size_(file.size()) {}

  NpyHeader read_checked_header() {
    NpyHeader header = read_header();
    check_count(header, element_size(header.descr));
    return header;
  }

  NpyArray read() {
    const NpyHeader header = read_header();
    NpyArray array{header.shape, {}};
    if (header.descr == "<f4") {
      read_values<float>(header, array);
    } else if (header.descr == "<f2") {
      read_values<Half>(header, array);
    } else if (header.descr == "<f8") {
      read_values<double>(header, array);
    } else {
      refuse_type(header.descr);
    }
    return array;
  }

 private:
  std::string take(size_t count, const char* what) {
    if (count > size_ - position_) {
      fail(
          "{}: the file ends within its {} ({} bytes in all): it is cut short or not a .npy file; "
          "write it again",
          doing_, what, size_);
    }
    std::string bytes(count, '\0');
    take_into(bytes.data(), count);
    return bytes;
  }

  void take_into(void* into, size_t count) {
    in_->read(static_cast<char*>(into), static_cast<std::streamsize>(count));
    if (static_cast<size_t>(in_->gcount()) != count) fail("{}: reading failed at byte {}", doing_, position_);
    position_ += count;
  }

  size_t take_number(size_t bytes) {
    const std::string text = take(bytes, "preamble");
    size_t number = 0;
    for (size_t i = 0; i < bytes; ++i) number |= size_t{static_cast<unsigned char>(text[i])} << (8 * i);
    return number;
  }

  NpyHeader read_header() {
    if (take(kMagic.size(), "preamble") != kMagic) {
      fail("{}: not a .npy file: expected it to begin with \\x93NUMPY; write it with numpy.save", doing_);
    }
    const size_t version = take_number(1);
    const size_t minor = take_number(1);
    if (version < 1 || version > 3 || minor != 0) {
      fail("{}: expected .npy version 1.0, 2.0 or 3.0, found {}.{}", doing_, version, minor);
    }
    const size_t length = take_number(version == 1 ? 2 : 4);
    if (length > kLongestHeader) fail("{}: its header of {} bytes cannot be one: damaged", doing_, length);
    const auto header = parse_npy_header(take(length, "header"));
    if (!header) {
      fail(
          "{}: its header is damaged, or of a structured type; expected a dict of descr, "
          "fortran_order and shape",
          doing_);
    }
    return *header;
  }

  /// Of a plain number, "<f4" or "|u1".
  size_t element_size(const std::string& descr) {
    constexpr std::string_view kKinds = "fiubc";
    const bool number = descr.size() == 3 && kKinds.find(descr[1]) != std::string_view::npos &&
                        descr[2] >= '1' && descr[2] <= '9';
    if (!number) refuse_type(descr);
    return static_cast<size_t>(descr[2] - '0');
  }

  [[noreturn]] void refuse_type(const std::string& descr) {
    if (descr.find('O') != std::string::npos) {
      fail(
          "{}: it holds pickled Python objects, which can run code and are never read; save an "
          "array of numbers instead: numpy.save(path, array.astype('float32'))",
          doing_);
    }
    fail(
        "{}: expected little-endian float16, float32 or float64, found '{}'; convert it: "
        "numpy.save(path, array.astype('<f4'))",
        doing_, descr);
  }

  /// The number of values, once the file turns out to have exactly that many. Zeros do not hide a product
  /// that wraps: somebody may multiply the other sizes.
  size_t check_count(const NpyHeader& header, size_t element) {
    size_t nonzero = element;
    bool empty = false;
    for (const int64_t size : header.shape) {
      empty = empty || size == 0;
      if (size != 0 && __builtin_mul_overflow(nonzero, static_cast<size_t>(size), &nonzero)) {
        fail("{}: the product of its sizes is beyond 64 bits: damaged", doing_);
      }
    }
    const size_t expected = empty ? 0 : nonzero;
    const size_t found = size_ - position_;
    if (expected != found) {
      fail("{}: its header announces {} bytes of values, found {}: cut short or damaged; write it again",
           doing_, expected, found);
    }
    return expected / element;
  }

  template <typename Stored>
  void read_values(const NpyHeader& header, NpyArray& array) {
    const size_t count = check_count(header, sizeof(Stored));
    std::vector<Stored> stored(count);
    take_into(stored.data(), count * sizeof(Stored));
    if constexpr (std::is_same_v<Stored, float>) {
      if (!header.fortran_order) {
        array.values = std::move(stored);
        return;
      }
    }
    array.values.resize(count);
    if (header.fortran_order) {
      const auto positions = fortran_positions(header.shape, count);
      for (size_t i = 0; i < count; ++i) array.values[i] = to_float(stored[positions[i]]);
    } else {
      for (size_t i = 0; i < count; ++i) array.values[i] = to_float(stored[i]);
    }
  }

  std::string doing_;
  std::unique_ptr<std::istream> in_;
  size_t size_ = 0;
  size_t position_ = 0;
};

}  // namespace

NpyHeader read_npy_header(const fs::path& path) {
  return Reader(path).read_checked_header();
}

NpyArray read_npy(const fs::path& path) {
  return Reader(path).read();
}

NpyArray read_npy(std::span<const std::byte> file, const std::string& name) {
  return Reader(file, name).read();
}

}  // namespace contentvec::output
