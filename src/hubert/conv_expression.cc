#include "hubert/conv_expression.h"

#include <algorithm>
#include <cctype>

#include "runtime/fail.h"

namespace contentvec::hubert {
namespace {

/// Reads fairseq's `conv_feature_layers`.
class ConvExpression {
 public:
  ConvExpression(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

  std::vector<ConvLayer> parse() {
    std::vector<ConvLayer> convs;
    do {
      const std::vector<ConvLayer> term = product();
      convs.insert(convs.end(), term.begin(), term.end());
      if (convs.size() > 64) wrong();
    } while (accept('+'));
    skip_spaces();
    if (at_ != text_.size()) wrong();
    return convs;
  }

 private:
  /// [ (d, k, s), ... ] with "* n" before or after
  std::vector<ConvLayer> product() {
    int times = 1;
    skip_spaces();
    if (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) {
      times = number();
      expect('*');
    }
    const std::vector<ConvLayer> once = list();
    if (accept('*')) times *= number();
    if (times < 0 || times > 64) wrong();
    std::vector<ConvLayer> convs;
    for (int i = 0; i < times; ++i) convs.insert(convs.end(), once.begin(), once.end());
    return convs;
  }
  std::vector<ConvLayer> list() {
    std::vector<ConvLayer> convs;
    expect('[');
    while (!accept(']')) {
      const char close = accept('(') ? ')' : ']';
      if (close == ']') expect('[');
      ConvLayer conv;
      conv.dim = number();
      expect(',');
      conv.kernel = number();
      expect(',');
      conv.stride = number();
      accept(',');
      expect(close);
      convs.push_back(conv);
      if (!accept(',') && peek() != ']') wrong();
    }
    return convs;
  }
  int number() {
    skip_spaces();
    int64_t value = -1;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0; ++at_) {
      value = std::max<int64_t>(value, 0) * 10 + (text_[at_] - '0');
      if (value > 1000000) wrong();
    }
    if (value < 0) wrong();
    return static_cast<int>(value);
  }
  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) wrong();
  }
  [[noreturn]] void wrong() const {
    fail(
        "{}: \"conv_feature_layers\" should be a list such as [(512,10,5)] + [(512,3,2)] * 4, found \"{}\" "
        "(character {}); give the architecture with --config",
        origin_, text_.substr(0, 200), at_ + 1);
  }

  std::string_view text_;
  std::string_view origin_;
  size_t at_ = 0;
};

}  // namespace

std::vector<ConvLayer> parse_conv_layers(std::string_view expression, std::string_view origin) {
  return ConvExpression(expression, origin).parse();
}

}  // namespace contentvec::hubert
