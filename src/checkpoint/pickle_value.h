#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace contentvec::checkpoint::pickle {

/// A value's place in its Values. Values refer to each other by these, never by owning: what a pickle shares
/// stays shared, a cycle is just numbers, and taking it all down recurses into nothing.
using Ref = uint32_t;
inline constexpr Ref kNone = 0;  ///< every Values has None there

struct None {};
struct String {
  std::string_view text;
};
/// bytes, bytearray, and integers beyond 64 bits: kept, but nothing here needs to look inside.
struct Opaque {
  std::string_view bytes;
};
struct List {
  std::vector<Ref> items;
};
struct Tuple {
  std::vector<Ref> items;
};
struct Set {
  std::vector<Ref> items;
};
struct Dict {
  std::vector<std::pair<Ref, Ref>> entries;  ///< in the file's order; a key set twice is there twice
};
/// A class or function: its name, nothing else. It is never looked up, let alone called.
struct Global {
  std::string_view module, name;
};
/// What Python would have made by calling `callable` with `args`: the wish, written down.
struct Record {
  Ref callable = kNone;
  Ref args = kNone;   ///< a Tuple
  Ref state = kNone;  ///< what BUILD would have handed to it
  Ref list = kNone;   ///< what would have been appended or added to it: a List, or none
  Ref dict = kNone;   ///< what would have been set in it: a Dict, or none
  Ref bytes = kNone;  ///< of joblib's NumpyArrayWrapper what the file has behind it, the array: an Opaque
};
/// Something kept outside of the pickle: for torch, a tensor's storage.
struct PersistentId {
  Ref id = kNone;
};

using Value = std::variant<None, bool, int64_t, double, String, Opaque, List, Tuple, Set, Dict, Global,
                           Record, PersistentId>;

/// All values of one pickle. Texts are views of the pickle's bytes, which must outlive it.
class Values {
 public:
  Values() { values_.emplace_back(None{}); }

  Ref add(Value value) {
    values_.push_back(std::move(value));
    return static_cast<Ref>(values_.size() - 1);
  }
  /// Keeps a text that is not in the pickle as it stands (it had escapes).
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  [[nodiscard]] size_t size() const { return values_.size(); }
  [[nodiscard]] Value& operator[](Ref ref) { return values_[ref]; }
  [[nodiscard]] const Value& operator[](Ref ref) const { return values_[ref]; }
  template <typename T>
  [[nodiscard]] const T* get(Ref ref) const {
    return std::get_if<T>(&values_[ref]);
  }

  Ref root = kNone;                 ///< the object the pickle is about
  std::vector<Ref> persistent_ids;  ///< every PersistentId, in the order they occur
  size_t bytes = 0;                 ///< how many the pickle took, its STOP included

 private:
  std::deque<Value> values_;  // a deque, so that growing copies nothing and references stay valid
  std::deque<std::string> texts_;
};

}  // namespace contentvec::checkpoint::pickle
