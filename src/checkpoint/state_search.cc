#include "checkpoint/state_search.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"
#include "checkpoint/torch_tensor.h"

namespace contentvec::checkpoint {
namespace {

using pickle::Dict;
using pickle::Record;
using pickle::Ref;
using pickle::String;
using pickle::Values;

constexpr size_t kLongestName = 4096;   // bytes; a longer one names no tensor
constexpr size_t kDeepest = 8;          // dictionaries and lists around the one with the tensors
constexpr size_t kMostLooked = 50'000;  // dictionaries and lists looked at
/// In the names of every speech model read here: fairseq's, Hugging Face's, torchaudio's, soft-VC's, MLX's.
constexpr std::string_view kSpeechModel = "feature_extractor.";
/// What trainers and converters call it, the likeliest first.
constexpr std::array<std::string_view, 6> kUsual = {"model",   "state_dict", "model_state_dict",
                                                    "weights", "weight",     "module"};

/// A dictionary, list or tuple, and where it lies.
struct Place {
  const Dict* dict;               ///< null: a list or tuple
  const std::vector<Ref>* items;  ///< its items; null: a dictionary
  size_t around = 0;              ///< the number of the place it is in; its own: the top
  Ref key = pickle::kNone;        ///< there
  size_t index = 0;               ///< among what is there
  size_t rank = kUsual.size();    ///< of its name in kUsual
  size_t depth = 0;
};

struct Found {
  size_t place;
  bool usual_name, speech_model;
};

const std::vector<Ref>* as_items(const Values& values, Ref ref) {
  if (const auto* list = values.get<pickle::List>(ref)) return &list->items;
  if (const auto* tuple = values.get<pickle::Tuple>(ref)) return &tuple->items;
  return nullptr;
}

/// Text for a key of a dictionary or a place in a list, as Python writes it.
std::string key_text(const Values& values, Ref key) {
  if (const auto* name = values.get<String>(key)) return quote(name->text);
  if (const auto* number = values.get<int64_t>(key)) return fmt::format("{}", *number);
  return "...";
}

class Search {
 public:
  explicit Search(const Values& values) : values_(values) {
    Place top = {pickle::as_dict(values, values.root), as_items(values, values.root)};
    if (top.dict == nullptr && top.items == nullptr) return;
    seen_.insert(identity(top));
    places_.push_back(top);
    for (size_t begin = 0; begin < places_.size();) {  // one depth after the other
      const size_t end = places_.size();
      for (size_t i = begin; i < end; ++i) look_at(i);
      std::vector<Place> inner;
      for (size_t i = begin; i < end; ++i) add_what_is_in(i, inner);
      std::sort(inner.begin(), inner.end(), [](const Place& a, const Place& b) {
        return std::tie(a.rank, a.around, a.index) < std::tie(b.rank, b.around, b.index);
      });
      places_.insert(places_.end(), inner.begin(), inner.end());
      begin = end;
    }
  }

  State choose() const {
    const auto is_speech_model = [](const Found& found) { return found.speech_model; };
    if (found_.empty()) fail_for_none();
    auto first = std::find_if(found_.begin(), found_.end(), is_speech_model);
    if (first != found_.end()) {
      const auto second = std::find_if(first + 1, found_.end(), is_speech_model);
      if (second != found_.end() && !is_preferred(places_[first->place], places_[second->place]))
        fail_for_several(*first, *second);
    } else {
      first = std::find_if(found_.begin(), found_.end(), [](const Found& f) { return f.usual_name; });
      if (first == found_.end()) first = found_.begin();
    }
    return {places_[first->place].dict, dict_around(first->place)};
  }

 private:
  [[nodiscard]] static const void* identity(const Place& place) {
    return place.dict != nullptr ? static_cast<const void*>(place.dict) : place.items;
  }

  void look_at(size_t place) {
    const Dict* dict = places_[place].dict;
    if (dict == nullptr) return;
    bool holds_tensors = false, speech_model = false;
    for (const auto& [key, value] : dict->entries) {
      const auto* name = values_.get<String>(key);
      if (name == nullptr || !is_tensor(values_, value)) continue;
      holds_tensors = true;
      if (name->text.size() <= kLongestName && name->text.find(kSpeechModel) != std::string_view::npos)
        speech_model = true;
    }
    if (holds_tensors) found_.push_back({place, places_[place].rank < kUsual.size(), speech_model});
  }

  void add_what_is_in(size_t place, std::vector<Place>& inner) {
    const Place here = places_[place];
    if (here.dict != nullptr) {
      for (size_t i = 0; i < here.dict->entries.size(); ++i) {
        const auto& [key, value] = here.dict->entries[i];
        const auto* name = values_.get<String>(key);
        const auto usual =
            name == nullptr ? kUsual.end() : std::find(kUsual.begin(), kUsual.end(), name->text);
        add(value, {nullptr, nullptr, place, key, i, static_cast<size_t>(usual - kUsual.begin())}, inner);
      }
    } else {
      for (size_t i = 0; i < here.items->size(); ++i)
        add((*here.items)[i], {nullptr, nullptr, place, pickle::kNone, i}, inner);
    }
  }

  void add(Ref value, Place place, std::vector<Place>& inner) {
    if (is_tensor(values_, value)) return;
    place.dict = pickle::as_dict(values_, value);
    place.items = place.dict == nullptr ? as_items(values_, value) : nullptr;
    if (place.dict == nullptr && place.items == nullptr) return;
    place.depth = places_[place.around].depth + 1;
    if (place.depth > kDeepest || seen_.size() >= kMostLooked) {
      has_more_ = true;
      return;
    }
    if (seen_.insert(identity(place)).second) inner.push_back(place);
  }

  /// Whether the first of two speech models is meant: it lies further out, or as far out under a likelier
  /// name, and its own name says that it is one.
  [[nodiscard]] static bool is_preferred(const Place& first, const Place& second) {
    if (first.depth == 0) return true;
    return first.rank < kUsual.size() && (first.depth < second.depth || first.rank < second.rank);
  }

  [[nodiscard]] const Dict* dict_around(size_t place) const {
    while (places_[place].depth > 0) {
      place = places_[place].around;
      if (places_[place].dict != nullptr) return places_[place].dict;
    }
    return nullptr;
  }

  /// As Python finds it: ['ema'][0].
  [[nodiscard]] std::string path_text(size_t place) const {
    const Place& here = places_[place];
    if (here.depth == 0) return "";
    const bool in_list = places_[here.around].dict == nullptr;
    return fmt::format("{}[{}]", path_text(here.around),
                       in_list ? fmt::format("{}", here.index) : key_text(values_, here.key));
  }

  [[noreturn]] void fail_for_several(const Found& first, const Found& second) const {
    const std::string path = path_text(first.place);
    fail(
        "it holds more than one model, {} and {} (as Python finds them), and nothing says which is meant: "
        "save one alone, for instance with torch.save(torch.load(FILE){}, OTHER)",
        path, path_text(second.place), path);
  }

  [[noreturn]] void fail_for_none() const {
    fail(
        "expected a dictionary of tensors under their names, at the top level or at most {} dictionaries or "
        "lists deep; found {}{}: save the model's state_dict()",
        kDeepest, found_text(), has_more_ ? ", with more inside than is looked at" : "");
  }

  /// What the file holds instead of tensors.
  [[nodiscard]] std::string found_text() const {
    const auto* record = values_.get<Record>(values_.root);
    const pickle::Global* type = record == nullptr ? nullptr : pickle::callee(values_, *record);
    if (type != nullptr)
      return fmt::format("an object of the class {}", quote(fmt::format("{}.{}", type->module, type->name)));
    const auto* dict = values_.get<Dict>(values_.root);
    if (dict == nullptr)
      return as_items(values_, values_.root) ? "a list" : "something that is no dictionary";
    constexpr size_t kShown = 8;
    std::vector<std::string> keys;
    for (const auto& [key, value] : dict->entries)
      if (keys.size() < kShown) keys.push_back(key_text(values_, key));
    return fmt::format("a dictionary of {} entries [{}{}]", dict->entries.size(), fmt::join(keys, ", "),
                       dict->entries.size() > keys.size() ? ", ..." : "");
  }

  const Values& values_;
  std::vector<Place> places_;  ///< the outermost first, of those as far out the likelier names
  std::vector<Found> found_;   ///< those with tensors, in that order
  std::set<const void*> seen_;
  bool has_more_ = false;  ///< deeper, or beyond the number looked at
};

}  // namespace

State find_state(const Values& values) {
  return Search(values).choose();
}

}  // namespace contentvec::checkpoint
