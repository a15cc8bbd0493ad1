#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "checkpoint/pickle_value.h"

namespace contentvec::checkpoint::pickle {

/// The pairs of a Dict, or of a record that items were set in; null when `ref` is neither.
[[nodiscard]] const Dict* as_dict(const Values& values, Ref ref);

/// The value of the last entry of `dict` whose key is the text `key`; kNone when there is none.
[[nodiscard]] Ref find(const Values& values, const Dict& dict, std::string_view key);

/// The class or function a record is a call of, seen through Python 2's copy_reg._reconstructor; null when it
/// is not called by its name.
[[nodiscard]] const Global* callee(const Values& values, const Record& record);

/// A value as inert JSON. Dicts and records (their state) become objects, lists, tuples and sets arrays, an
/// OmegaConf node what it wraps, a call with one scalar (an enum) that scalar; what JSON cannot hold (bytes,
/// tensors, classes, huge integers, text that is not UTF-8), cycles, and whatever is nested deeper than 32
/// levels become null. Throws Error when the result would have more than 100,000 values or 16 MB of text, as
/// a small pickle full of references can.
[[nodiscard]] nlohmann::json to_json(const Values& values, Ref ref);

/// The entries of a dictionary that have a name, each as to_json() gives it; what `left_out` says of a value
/// is not among them. All together may have four times as many values and as much text as one; what is beyond
/// that, or too large by itself, is not read: `unread` says why, by its name.
[[nodiscard]] nlohmann::json entries_to_json(const Values& values, const Dict& dict,
                                             const std::function<bool(Ref value)>& left_out,
                                             std::map<std::string, std::string>& unread);

}  // namespace contentvec::checkpoint::pickle
