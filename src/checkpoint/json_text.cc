#include "checkpoint/json_text.h"

#include <string>
#include <utility>
#include <vector>

#include "checkpoint/text.h"
#include "runtime/c_locale.h"
#include "runtime/input_file.h"

namespace contentvec::checkpoint {
namespace {

using nlohmann::json;

constexpr size_t kDeepestJson = 64;
constexpr size_t kMostValues = size_t{1} << 22;  // each takes some ten times the memory of its text

/// Builds the document as the parser goes. (The parser's own callback takes time in the square of the
/// objects.)
class Builder final : public json::json_sax_t {
 public:
  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(json::number_integer_t value) override { return put(value); }
  bool number_unsigned(json::number_unsigned_t value) override { return put(value); }
  bool number_float(json::number_float_t value, const std::string& /*text*/) override { return put(value); }
  bool string(std::string& value) override { return put(std::move(value)); }
  bool binary(json::binary_t& /*value*/) override { return false; }  // JSON text has none
  bool start_object(size_t /*unknown*/) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(size_t /*unknown*/) override { return open(json::array()); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    const auto [place, added] = around_.back()->get_ref<json::object_t&>().emplace(name, nullptr);
    if (!added) fail("{} occurs twice in the same JSON object", quote(name));
    member_ = &place->second;
    return true;
  }
  bool parse_error(size_t /*at*/, const std::string& /*token*/, const json::exception& error) override {
    fail("malformed JSON: {}", quote(error.what()));
  }

 private:
  /// Where the next value goes: the whole document, a member of an object, or the end of an array.
  json& place(json value) {
    if (++values_ > kMostValues) fail("the JSON holds more than {} values", kMostValues);
    if (around_.empty()) return root_ = std::move(value);
    if (around_.back()->is_object()) return *member_ = std::move(value);
    auto& items = around_.back()->get_ref<json::array_t&>();
    items.push_back(std::move(value));
    return items.back();
  }
  bool put(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json container) {
    if (around_.size() >= kDeepestJson) fail("the JSON is nested more than {} levels deep", kDeepestJson);
    around_.push_back(&place(std::move(container)));
    return true;
  }
  bool close() {
    around_.pop_back();
    return true;
  }

  json root_;
  size_t values_ = 0;
  std::vector<json*> around_;  // the containers around the current position; nothing is added but to the last
  json* member_ = nullptr;     // of the innermost object, whose key was just read
};

}  // namespace

json parse_json(std::string_view text) {
  // The parser takes a zero byte for the end, and whatever follows would go unread.
  if (text.find('\0') != std::string_view::npos) fail_damaged("malformed JSON: it has a zero byte");
  const CLocale points;  // the parser reads numbers by strtod
  Builder builder;
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

json parse_json(std::string_view text, std::string_view origin) {
  try {
    return parse_json(text);
  } catch (const Error& error) {
    fail("{}: {}; check the file", origin, error.what());
  }
}

std::string read_json_text(const std::filesystem::path& path) {
  return read_json_text(InputFile(path));
}

std::string read_json_text(const InputFile& file) {
  if (file.size() > kLargestJson)
    fail("cannot read {}: expected a JSON file of at most {} bytes, found {}", file.path(), kLargestJson,
         file.size());
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace contentvec::checkpoint
