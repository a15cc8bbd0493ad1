#include "output/npy_header.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace contentvec::output {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr size_t kMostDimensions = 64;  // numpy's own limit

/// Walks over the text; each method takes what it names, after any space, or leaves the text and says no.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<NpyHeader> dict() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    if (!take("{")) return std::nullopt;
    while (!take("}")) {
      const auto key = string();
      if (!key || !take(":")) return std::nullopt;
      bool* seen = *key == "descr"           ? &descr
                   : *key == "fortran_order" ? &order
                   : *key == "shape"         ? &shape
                                             : nullptr;
      if (seen == nullptr || std::exchange(*seen, true) || !value(*key, header)) return std::nullopt;
      if (!take(",") && !next_is("}")) return std::nullopt;
    }
    skip_space();
    if (!descr || !order || !shape || !rest_.empty()) return std::nullopt;
    return header;
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }

  bool next_is(std::string_view token) {
    skip_space();
    return rest_.starts_with(token);
  }

  bool take(std::string_view token) {
    if (!next_is(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  /// No escapes: no key or plain dtype has one.
  std::optional<std::string_view> string() {
    const char* quote = next_is("'") ? "'" : "\"";
    if (!take(quote)) return std::nullopt;
    const size_t end = rest_.find(*quote);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::optional<int64_t> size() {
    skip_space();
    int64_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc() || number < 0) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return number;
  }

  bool value(std::string_view key, NpyHeader& header) {
    if (key == "shape") return tuple(header.shape);
    if (key == "fortran_order") {
      header.fortran_order = take("True");
      return header.fortran_order || take("False");
    }
    const auto text = string();
    if (text) header.descr = *text;
    return text.has_value();
  }

  bool tuple(std::vector<int64_t>& shape) {
    if (!take("(")) return false;
    bool comma = true;
    while (!take(")")) {
      const auto number = size();
      if (!comma || !number || shape.size() == kMostDimensions) return false;
      shape.push_back(*number);
      comma = take(",");
    }
    return comma || shape.size() > 1;  // (3) is a number, not a tuple
  }

  std::string_view rest_;
};

}  // namespace

std::optional<NpyHeader> parse_npy_header(std::string_view text) {
  return Parser(text).dict();
}

}  // namespace contentvec::output
