#include "cli/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <span>

#include "cli/fail.h"

namespace contentvec::cli {
namespace {

constexpr size_t kWorst = 3;
constexpr int64_t kApart = 25;  // frames: half a second

void check_sizes(const Features& a, const Features& b) {
  if (a.frames == b.frames && a.dim == b.dim && a.frames > 0) return;
  fail(
      "A has {} frames of {} values, B {} of {}: expected the same number of both, above 0; give features of the same "
      "recording and of layers of one width",
      a.frames, a.dim, b.frames, b.dim);
}

void check_finite(const char* side, const Features& features) {
  const auto odd = std::find_if(features.data.begin(), features.data.end(),
                                [](float value) { return !std::isfinite(value); });
  if (odd != features.data.end())
    fail("{} has a value that is not finite, in frame {}", side,
         (odd - features.data.begin()) / features.dim);
}

float cosine_of(std::span<const float> a, std::span<const float> b) {
  double product = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    product += x * y;
    squares_a += x * x;
    squares_b += y * y;
  }
  if (squares_a == 0 || squares_b == 0) return squares_a == squares_b ? 1.0F : 0.0F;
  return static_cast<float>(product / std::sqrt(squares_a) / std::sqrt(squares_b));
}

std::vector<ComparedFrame> worst_of(const std::vector<float>& cosines) {
  std::vector<int64_t> order(cosines.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t one, int64_t other) {
    const float left = cosines[static_cast<size_t>(one)];
    const float right = cosines[static_cast<size_t>(other)];
    return left != right ? left < right : one < other;
  });
  std::vector<ComparedFrame> worst;
  for (const int64_t frame : order) {
    const auto is_near = [frame](const ComparedFrame& other) {
      return std::abs(other.frame - frame) < kApart;
    };
    if (worst.size() == kWorst) break;
    if (std::none_of(worst.begin(), worst.end(), is_near))
      worst.push_back({frame, cosines[static_cast<size_t>(frame)]});
  }
  return worst;
}

double median_of(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

void add_differences(Comparison& result, const Features& a, const Features& b) {
  double squares = 0;
  double squares_a = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    const auto value = static_cast<double>(a.data[i]);
    const double difference = std::abs(value - static_cast<double>(b.data[i]));
    squares += difference * difference;
    squares_a += value * value;
    if (difference <= result.largest_difference) continue;
    result.largest_difference = difference;
    result.largest_frame = static_cast<int64_t>(i) / a.dim;
    result.largest_channel = static_cast<int64_t>(i) % a.dim;
  }
  result.rms_difference = std::sqrt(squares / static_cast<double>(a.data.size()));
  result.rms = std::sqrt(squares_a / static_cast<double>(a.data.size()));
}

}  // namespace

Comparison compare_features(const Features& a, const Features& b) {
  check_sizes(a, b);
  check_finite("A", a);
  check_finite("B", b);
  Comparison result;
  for (int64_t frame = 0; frame < a.frames; ++frame)
    result.cosines.push_back(cosine_of(a.row(frame), b.row(frame)));
  result.mean = std::accumulate(result.cosines.begin(), result.cosines.end(), 0.0) /
                static_cast<double>(result.cosines.size());
  result.median = median_of(result.cosines);
  result.worst = worst_of(result.cosines);
  add_differences(result, a, b);
  return result;
}

}  // namespace contentvec::cli
