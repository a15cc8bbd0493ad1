#include "synthesizer/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace contentvec::synthesizer {
namespace {

/// Values 2j and 2j + 1.
std::array<float, 2> normal_pair(const tensors::CounterBits& bits, uint64_t j) {
  const double a = static_cast<double>((bits(2 * j) >> 11) + 1) * 0x1p-53;
  const double b = static_cast<double>(bits(2 * j + 1) >> 11) * 0x1p-53;
  const double radius = std::sqrt(-2 * std::log(a));
  const double angle = 2 * std::numbers::pi * b;
  return {static_cast<float>(radius * std::cos(angle)), static_cast<float>(radius * std::sin(angle))};
}

/// The name of a piece's stream, which takes no memory.
class StreamName {
 public:
  StreamName(std::string_view kind, int64_t piece)
      : end_(piece < 0 ? fmt::format_to_n(text_.data(), text_.size(), "{}", kind).out
                       : fmt::format_to_n(text_.data(), text_.size(), "{}.{}", kind, piece).out) {}
  [[nodiscard]] std::string_view text() const {
    return {text_.data(), static_cast<size_t>(end_ - text_.data())};
  }

 private:
  std::array<char, 64> text_ = {};
  char* end_;
};

}  // namespace

void NormalStream::fill(int64_t first, std::span<float> out) const {
  auto at = static_cast<uint64_t>(first);
  for (auto value = out.begin(); value != out.end();) {
    const std::array<float, 2> pair = normal_pair(bits_, at / 2);
    do {
      *value++ = pair[at % 2];
    } while (++at % 2 == 1 && value != out.end());
  }
}

Noise::Noise(std::span<const float> given, std::string_view kind, uint64_t seed, int64_t piece)
    : given_(given), stream_(StreamName(kind, piece).text(), seed) {}

void Noise::fill(int64_t first, std::span<float> out) const {
  if (given_.empty()) return stream_.fill(first, out);
  std::copy_n(given_.begin() + first, out.size(), out.begin());
}

}  // namespace contentvec::synthesizer
