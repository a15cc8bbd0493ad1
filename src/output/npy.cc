#include "output/npy.h"

#include <fmt/ranges.h>

#include <bit>
#include <limits>
#include <string>

#include "runtime/fail.h"

namespace contentvec::output {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they are in memory");

constexpr size_t kPreamble = 10;  // magic, version and the header's length
constexpr size_t kAlignment = 64;

/// A Python tuple: (), (3,), (2, 3).
std::string tuple_text(std::span<const int64_t> shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

}  // namespace

std::string start_of_npy(std::span<const int64_t> shape, std::string_view descr) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", descr, tuple_text(shape));
  const size_t unpadded = kPreamble + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header.push_back('\n');
  if (header.size() > std::numeric_limits<uint16_t>::max()) {
    fail("a shape of {} dimensions is too long for a .npy header", shape.size());
  }
  std::string start = "\x93NUMPY\x01";
  start.push_back('\0');
  start.push_back(static_cast<char>(header.size() & 0xff));
  start.push_back(static_cast<char>(header.size() >> 8));
  return start + header;
}

}  // namespace contentvec::output
