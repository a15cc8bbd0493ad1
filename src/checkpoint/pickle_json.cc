#include "checkpoint/pickle_json.h"

#include <algorithm>
#include <string>

#include "checkpoint/text.h"

namespace contentvec::checkpoint::pickle {
namespace {

using nlohmann::json;

constexpr size_t kDeepestPickle = 32;
constexpr size_t kMostNodes = 100'000;         // of an entry
constexpr size_t kMostOfAll = 4 * kMostNodes;  // of all entries
constexpr size_t kMostText = size_t{16} << 20;

class Converter {
 public:
  explicit Converter(const Values& values) : values_(values) {}

  json convert_entry(Ref ref) {
    path_.clear();
    all_nodes_ += nodes_;
    nodes_ = 0;
    return convert(ref);
  }

  json convert(Ref ref) {
    const bool cyclic = std::find(path_.begin(), path_.end(), ref) != path_.end();
    if (++nodes_ > kMostNodes) fail("it unfolds to more than {} values", kMostNodes);
    if (all_nodes_ + nodes_ > kMostOfAll) fail("the entries unfold to more than {} values", kMostOfAll);
    if (cyclic || path_.size() >= kDeepestPickle) return nullptr;
    path_.push_back(ref);
    json converted = std::visit([this](const auto& value) { return (*this)(value); }, values_[ref]);
    path_.pop_back();
    return converted;
  }

  json operator()(bool value) { return value; }
  json operator()(int64_t value) { return value; }
  json operator()(double value) { return value; }
  json operator()(const String& value) {
    text_ += value.text.size();
    if (text_ > kMostText) fail("the entries unfold to more than {} bytes of text", kMostText);
    return is_utf8(value.text) ? json(value.text) : json(nullptr);
  }
  json operator()(const List& value) { return array(value.items); }
  json operator()(const Tuple& value) { return array(value.items); }
  json operator()(const Set& value) { return array(value.items); }
  json operator()(const Dict& value) {
    json object = json::object();
    for (const auto& [key, item] : value.entries) {
      const json name = convert(key);
      if (name.is_string())
        object[name.get_ref<const std::string&>()] = convert(item);
      else if (name.is_number_integer() || name.is_boolean())
        object[name.dump()] = convert(item);
    }
    return object;
  }
  json operator()(const Record& record) {
    if (const Dict* state = state_of(record)) return object_of(record, *state);
    if (record.dict != kNone) return convert(record.dict);
    if (record.list != kNone) return convert(record.list);
    const auto& args = std::get<Tuple>(values_[record.args]).items;
    if (args.size() != 1) return nullptr;
    const json only = convert(args[0]);
    return only.is_primitive() ? only : json(nullptr);
  }
  json operator()(const auto& /*None, Opaque, Global, PersistentId*/) { return nullptr; }

 private:
  json array(const std::vector<Ref>& items) {
    json converted = json::array();
    for (const Ref item : items) converted.push_back(convert(item));
    return converted;
  }

  /// An object's attributes: its state, or the first half of a state of (attributes, slots).
  const Dict* state_of(const Record& record) {
    const auto* halves = values_.get<Tuple>(record.state);
    if (halves != nullptr && !halves->items.empty()) return values_.get<Dict>(halves->items[0]);
    return values_.get<Dict>(record.state);
  }

  json object_of(const Record& record, const Dict& state) {
    const Global* type = callee(values_, record);
    if (type == nullptr || !type->module.starts_with("omegaconf")) return (*this)(state);
    for (const auto& [key, item] : state.entries) {
      const auto* name = values_.get<String>(key);
      if (name != nullptr && (name->text == "_content" || name->text == "_val")) return convert(item);
    }
    return nullptr;
  }

  const Values& values_;
  std::vector<Ref> path_;  // the values around the current one
  size_t nodes_ = 0, all_nodes_ = 0, text_ = 0;
};

}  // namespace

const Dict* as_dict(const Values& values, Ref ref) {
  const auto* record = values.get<Record>(ref);
  return values.get<Dict>(record == nullptr ? ref : record->dict);
}

Ref find(const Values& values, const Dict& dict, std::string_view key) {
  const auto matches = [&](const auto& entry) {
    const auto* name = values.get<String>(entry.first);
    return name != nullptr && name->text == key;
  };
  const auto found = std::find_if(dict.entries.rbegin(), dict.entries.rend(), matches);
  return found == dict.entries.rend() ? kNone : found->second;
}

const Global* callee(const Values& values, const Record& record) {
  const auto* called = values.get<Global>(record.callable);
  const auto& args = std::get<Tuple>(values[record.args]).items;
  const bool indirect = called != nullptr && called->name == "_reconstructor" && !args.empty();
  return indirect ? values.get<Global>(args[0]) : called;
}

json to_json(const Values& values, Ref ref) {
  return Converter(values).convert(ref);
}

json entries_to_json(const Values& values, const Dict& dict, const std::function<bool(Ref value)>& left_out,
                     std::map<std::string, std::string>& unread) {
  Converter converter(values);
  json entries = json::object();
  for (const auto& [key, value] : dict.entries) {
    const auto* name = values.get<String>(key);
    if (name == nullptr || !is_utf8(name->text) || left_out(value)) continue;
    try {
      entries[std::string(name->text)] = converter.convert_entry(value);
    } catch (const Error& error) {
      unread[std::string(name->text)] = error.what();
    }
  }
  return entries;
}

}  // namespace contentvec::checkpoint::pickle
