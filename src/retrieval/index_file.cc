#include "retrieval/index_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/fail.h"
#include "runtime/foreign_file.h"

// Source: FAISS's impl/index_write.cpp. Integers are little-endian and nothing is aligned.

namespace contentvec::retrieval {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kInvertedFile = "IwFl";  // IndexIVFFlat
constexpr std::string_view kFlatL2 = "IxF2";        // IndexFlatL2, an index by itself or the centres of one
constexpr std::string_view kLists = "ilar";         // ArrayInvertedLists
constexpr uint8_t kHashMap = 2;                     // DirectMap::Hashtable
constexpr int32_t kL2 = 1;
constexpr int32_t kLargestDim = 1 << 16;

/// The fields that every index of FAISS begins with.
struct Header {
  int32_t dim;
  int64_t size;
  bool trained;
  int32_t metric;
};

struct Kind {
  std::string_view begins;
  std::string_view name;
};

/// FAISS's other indices that people have. The first that fits counts.
constexpr std::array kOtherIndices = {
    Kind{"IxFI", "Flat with inner products"},
    Kind{"IxFl", "Flat with another distance"},
    Kind{"IwPQ", "IVF with product quantisation, which keeps no whole vectors"},
    Kind{"IvPQ", "IVF with product quantisation, which keeps no whole vectors"},
    Kind{"IwQR", "IVF with refined product quantisation, which keeps no whole vectors"},
    Kind{"IwPf", "IVF with fast-scan product quantisation, which keeps no whole vectors"},
    Kind{"IwSq", "IVF with scalar quantisation, which keeps no whole vectors"},
    Kind{"IwSQ", "IVF with scalar quantisation, which keeps no whole vectors"},
    Kind{"IxPQ", "product quantisation, which keeps no whole vectors"},
    Kind{"IxPo", "product quantisation, which keeps no whole vectors"},
    Kind{"IxPq", "product quantisation, which keeps no whole vectors"},
    Kind{"IPfs", "fast-scan product quantisation, which keeps no whole vectors"},
    Kind{"IxSQ", "scalar quantisation, which keeps no whole vectors"},
    Kind{"IHN", "HNSW"},
    Kind{"INS", "NSG"},
    Kind{"IxM", "an index with ids of its own (IDMap)"},
    Kind{"IxPT", "an index behind a transformation (PreTransform)"},
    Kind{"IxRF", "a refined index (Refine)"},
    Kind{"IxRP", "a refined index (Refine)"},
    Kind{"IxHE", "locality-sensitive hashing"},
    Kind{"IxHe", "locality-sensitive hashing"},
    Kind{"IB", "an index of bits (Binary)"},
};

std::string_view other_index(std::string_view type) {
  const auto found = std::find_if(kOtherIndices.begin(), kOtherIndices.end(),
                                  [&](const Kind& kind) { return type.starts_with(kind.begins); });
  return found == kOtherIndices.end() ? "" : found->name;
}

/// What a file is that is no index, and what to do with it.
std::string describe(const ForeignFile& file) {
  const std::string what(file.what);
  if (file.kind == ForeignKind::kArray)
    return what + ": `contentvec index` builds an index from a folder of these";
  if (file.kind == ForeignKind::kZip)
    return what + ", or a checkpoint of torch: if it holds the index, unpack it";
  return file.remedy.empty() ? what : fmt::format("{}: {}", what, file.remedy);
}

bool is_dim(int32_t value) {
  return value >= 1 && value <= kLargestDim;
}

class Checker {
 public:
  Checker(std::span<const std::byte> file, std::string_view name) : file_(file), name_(name) {}

  void check() {
    const bool flat = check_type() == kFlatL2;
    header_ = read_header();
    if (!is_dim(header_.dim) || header_.size < 0) damaged("its header is no index's");
    if (header_.metric != kL2) {
      fail("{}: expected L2 distances, which RVC's indices have, found FAISS's metric {}{}; build it anew",
           doing(), header_.metric, header_.metric == 0 ? " (inner product)" : "");
    }
    if (!header_.trained || header_.size == 0) refuse_empty();
    if (flat) {
      check_vectors(static_cast<uint64_t>(header_.size), "its vectors are not as many as it says");
      check_end();
    } else {
      check_inverted_file();
    }
  }

 private:
  [[nodiscard]] std::string doing() const { return fmt::format("cannot open the index '{}'", name_); }

  [[noreturn]] void damaged(std::string_view what) const {
    fail("{}: it is damaged: {} (byte {} of {}). Copy or build it anew", doing(), what, position_,
         file_.size());
  }

  [[noreturn]] void refuse_kind(std::string_view what) const {
    fail(
        "{}: expected FAISS's \"IVF<n>,Flat\", as RVC writes it, or \"Flat\", found {}; build it anew with "
        "`contentvec index`",
        doing(), what);
  }

  [[noreturn]] void refuse_empty() const {
    fail(
        "{}: it holds no vectors. It may be a trained_*.index, which RVC leaves beside the one to use: give "
        "the added_*.index",
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

  std::string check_type() {
    const std::string_view text(reinterpret_cast<const char*>(file_.data()), file_.size());
    const std::string type = file_.size() < 4 ? "" : take_type();
    if (type == kInvertedFile || type == kFlatL2) return type;
    if (file_.empty())
      fail("{}: it is empty; expected RVC's added_*.index: copy or download it again", doing());
    if (const std::string_view other = other_index(type); !other.empty()) {
      refuse_kind(fmt::format("{} ({})", other, type));
    }
    if (const auto foreign = recognise_foreign_file(text.substr(0, kForeignBeginning));
        foreign && foreign->kind != ForeignKind::kIndex) {
      fail("{}: it is {}. Expected RVC's added_*.index", doing(), describe(*foreign));
    }
    // Any FAISS index begins with a type and a width; words that begin with an I do not.
    if (type.starts_with('I') && file_.size() >= 8 && is_dim(take<int32_t>())) {
      refuse_kind("one of type " + type);
    }
    fail("{}: it is no FAISS index; expected RVC's added_*.index", doing());
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

  void check_end() const {
    if (position_ != file_.size()) damaged("the file goes on after the index");
  }

  void check_inverted_file() {
    lists_ = take<uint64_t>();
    if (take<uint64_t>() < 1) damaged("a search would look through no list");
    check_centres();
    skip_direct_map();
    const uint64_t kept = check_lists();
    check_end();
    const auto counted = static_cast<uint64_t>(header_.size);
    if (kept > counted) damaged("its lists hold more vectors than it says");
    if (kept < counted) {
      fail(
          "{}: it counts {} vectors and holds {}: FAISS leaves vectors that are NaN out of the lists and "
          "counts them. The features it was built from had NaN in them: extract these anew and build it "
          "again",
          doing(), counted, kept);
    }
  }

  /// The values of an IndexFlatL2, `count` vectors.
  void check_vectors(uint64_t count, std::string_view otherwise) {
    const auto values = take<uint64_t>();
    skip(values, sizeof(float));
    // After the skip, so that the product cannot wrap: there are as many bytes.
    const auto width = static_cast<uint64_t>(header_.dim);
    if (values % width != 0 || values / width != count) damaged(otherwise);
  }

  void check_centres() {
    const std::string type = take_type();
    if (type != kFlatL2) {
      const std::string_view other = other_index(type);
      if (other.empty()) damaged("its centres are not an IndexFlatL2");
      refuse_kind(fmt::format("lists whose centres are {} ({})", other, type));
    }
    const Header centres = read_header();
    const bool fits = centres.dim == header_.dim && centres.metric == kL2 && centres.size >= 1 &&
                      static_cast<uint64_t>(centres.size) == lists_;
    if (!fits) damaged("its centres do not fit its lists");
    check_vectors(lists_, "its centres are not one per list");
  }

  /// Where each id is: unused here, but a user may have had FAISS make it.
  void skip_direct_map() {
    const auto kind = take<uint8_t>();
    if (kind > kHashMap) damaged("its direct map is of no kind that FAISS has");
    skip(take<uint64_t>(), sizeof(int64_t));
    if (kind == kHashMap) skip(take<uint64_t>(), 2 * sizeof(int64_t));
  }

  /// How many vectors the lists hold.
  uint64_t check_lists() {
    const std::string type = take_type();
    if (type == "ilod") refuse_kind("lists that are kept in another file (OnDisk)");
    if (type != kLists) damaged("its lists are not an array");
    const auto vector_bytes = static_cast<uint64_t>(header_.dim) * sizeof(float);
    if (take<uint64_t>() != lists_ || take<uint64_t>() != vector_bytes)
      damaged("its lists do not fit its header");
    uint64_t total = 0;
    for (const uint64_t size : read_sizes()) {
      skip(size, vector_bytes);
      skip(size, sizeof(int64_t));  // ids
      total += size;                // cannot wrap: the file holds as many
    }
    return total;
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
