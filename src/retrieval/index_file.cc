#include "retrieval/index_file.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/fail.h"

// Source: FAISS's impl/index_write.cpp. Integers are little-endian and nothing is aligned.

namespace contentvec::retrieval {
namespace {

constexpr std::string_view kInvertedFile = "IwFl";  // IndexIVFFlat
constexpr std::string_view kFlatL2 = "IxF2";        // IndexFlatL2, which holds the centres
constexpr std::string_view kLists = "ilar";         // ArrayInvertedLists
constexpr int32_t kL2 = 1;
constexpr int32_t kLargestDim = 1 << 16;

/// The fields that every index of FAISS begins with.
struct Header {
  int32_t dim;
  int64_t size;
  bool trained;
  int32_t metric;
};

class Checker {
 public:
  Checker(std::span<const std::byte> file, std::string_view name) : file_(file), name_(name) {}

  void check() {
    check_type();
    header_ = read_header();
    if (header_.dim < 1 || header_.dim > kLargestDim || header_.size < 0) damaged("its header is no index's");
    if (header_.metric != kL2) {
      fail("{}: expected L2 distances, which RVC's indices have, found FAISS's metric {}; build it anew",
           doing(), header_.metric);
    }
    if (!header_.trained || header_.size == 0) refuse_empty();
    lists_ = take<uint64_t>();
    if (take<uint64_t>() < 1) damaged("a search would look through no list");
    check_centres();
    skip_direct_map();
    check_lists();
    if (position_ != file_.size()) damaged("the file goes on after the index");
  }

 private:
  [[nodiscard]] std::string doing() const { return fmt::format("cannot open the index '{}'", name_); }

  [[noreturn]] void damaged(std::string_view what) const {
    fail("{}: it is damaged: {} (byte {} of {}). Copy or build it anew", doing(), what, position_,
         file_.size());
  }

  [[noreturn]] void refuse_empty() const {
    fail(
        "{}: it holds no vectors. It may be a trained_*.index, which RVC leaves beside the one to use: give "
        "the "
        "added_*.index",
        doing());
  }

  template <typename T>
  T take() {
    static_assert(std::is_integral_v<T>);
    if (sizeof(T) > file_.size() - position_) damaged("it is cut short");
    T value;
    std::memcpy(&value, file_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  void skip(uint64_t count, uint64_t bytes_each) {
    if (count > (file_.size() - position_) / bytes_each) damaged("it is cut short");
    position_ += count * bytes_each;
  }

  std::string take_type() {
    std::string type(4, '\0');
    for (char& letter : type) letter = static_cast<char>(take<uint8_t>());
    return type;
  }

  void check_type() {
    const std::string type = file_.size() < 4 ? "" : take_type();
    if (type == kInvertedFile) return;
    const bool of_faiss = type.starts_with('I') && std::all_of(type.begin(), type.end(), [](unsigned char c) {
                            return c >= '0' && c <= 'z';
                          });
    if (!of_faiss) fail("{}: it is no FAISS index; expected RVC's added_*.index", doing());
    fail(
        "{}: expected a FAISS index of the kind \"IVF,Flat\" (IwFl), as RVC writes it, found one of type {}; "
        "build "
        "it anew with `contentvec index`",
        doing(), type);
  }

  Header read_header() {
    Header header{};
    header.dim = take<int32_t>();
    header.size = take<int64_t>();
    skip(2, sizeof(int64_t));  // unused
    header.trained = take<uint8_t>() != 0;
    header.metric = take<int32_t>();
    return header;
  }

  void check_centres() {
    if (take_type() != kFlatL2) damaged("its centres are not an IndexFlatL2");
    const Header centres = read_header();
    const bool fits = centres.dim == header_.dim && centres.metric == kL2 && centres.size >= 1 &&
                      static_cast<uint64_t>(centres.size) == lists_;
    if (!fits) damaged("its centres do not fit its lists");
    const auto values = take<uint64_t>();
    skip(values, sizeof(float));
    // After the skip, so that the product cannot wrap: there are as many bytes.
    if (values % static_cast<uint64_t>(header_.dim) != 0 ||
        values / static_cast<uint64_t>(header_.dim) != lists_) {
      damaged("its centres are not one per list");
    }
  }

  /// Where each id is: unused here, but a user may have had FAISS make it.
  void skip_direct_map() {
    const auto kind = take<uint8_t>();
    if (kind > 1) damaged("its direct map is of a kind that RVC never makes");
    skip(take<uint64_t>(), sizeof(int64_t));
  }

  void check_lists() {
    if (take_type() != kLists) damaged("its lists are not an array");
    const auto vector_bytes = static_cast<uint64_t>(header_.dim) * sizeof(float);
    if (take<uint64_t>() != lists_ || take<uint64_t>() != vector_bytes)
      damaged("its lists do not fit its header");
    uint64_t total = 0;
    for (const uint64_t size : read_sizes()) {
      skip(size, vector_bytes);
      skip(size, sizeof(int64_t));  // ids
      total += size;                // cannot wrap: the file holds as many
    }
    if (total != static_cast<uint64_t>(header_.size))
      damaged("its lists do not hold as many vectors as it says");
  }

  /// Sizes of the lists that the file holds, in order: of all, or of those that are not empty.
  std::vector<uint64_t> read_sizes() {
    const std::string kind = take_type();
    const auto count = take<uint64_t>();
    if (count > (file_.size() - position_) / sizeof(uint64_t)) damaged("it is cut short");
    const bool sparse = kind == "sprs";
    if ((!sparse && kind != "full") || (sparse ? count % 2 != 0 : count != lists_)) {
      damaged("the sizes of its lists are not one per list");
    }
    std::vector<uint64_t> sizes;
    uint64_t next = 0;  // the first list that may follow
    for (uint64_t i = 0; i < (sparse ? count / 2 : count); ++i) {
      const uint64_t list = sparse ? take<uint64_t>() : i;
      if (list < next || list >= lists_) damaged("the sizes of its lists are not in order");
      next = list + 1;
      sizes.push_back(take<uint64_t>());
    }
    return sizes;
  }

  std::span<const std::byte> file_;
  std::string_view name_;
  size_t position_ = 0;
  Header header_{};
  uint64_t lists_ = 0;
};

}  // namespace

void check_index_file(std::span<const std::byte> file, std::string_view name) {
  Checker(file, name).check();
}

}  // namespace contentvec::retrieval
