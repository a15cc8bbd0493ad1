#include "checkpoint/json_text.h"

#include <set>
#include <string>
#include <vector>

#include "checkpoint/text.h"
#include "runtime/c_locale.h"

namespace contentvec::checkpoint {

using nlohmann::json;

constexpr int kDeepest = 64;

json parse_json(std::string_view text) {
  // The parser takes a zero byte for the end, and whatever follows would go unread.
  if (text.find('\0') != std::string_view::npos) fail_damaged("malformed JSON: it has a zero byte");
  const CLocale points;                     // the parser reads numbers by strtod
  std::vector<std::set<std::string>> keys;  // of the objects around the current position
  const auto watch = [&keys](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kDeepest) fail("the JSON is nested more than {} levels deep", kDeepest);
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      fail("{} occurs twice in the same JSON object", quote(parsed.get_ref<const std::string&>()));
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception& error) {
    fail("malformed JSON: {}", quote(error.what()));
  }
}

}  // namespace contentvec::checkpoint
