#include "conversion/join.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace contentvec::conversion {

void Join::add(std::span<const float> piece, int64_t own, bool is_last) {
  const auto size = static_cast<int64_t>(piece.size());
  if (is_last || half_ == 0) own = size - 2 * pad_;
  if (own <= 0) {  // the end, of which nothing is left
    append(std::span(leaving_).first(leaving_.size() / 2));
    return;
  }
  // What is its own alone: without half of the fade with the piece before, and half of that with the next.
  int64_t begin = pad_;
  if (!leaving_.empty()) {
    const int64_t half = std::min(half_, own);
    fade_in(piece.subspan(static_cast<size_t>(pad_ - half), static_cast<size_t>(2 * half)));
    begin += half;
  }
  const int64_t end = pad_ + own - (is_last ? 0 : half_);
  if (end > begin) append(piece.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
  leaving_.clear();
  if (!is_last && half_ > 0) {
    const auto around = piece.subspan(static_cast<size_t>(end), static_cast<size_t>(2 * half_));
    leaving_.assign(around.begin(), around.end());
  }
}

void Join::fade_in(std::span<const float> coming) {
  const size_t size = coming.size();
  const size_t before = (leaving_.size() - size) / 2;  // the fade is shorter than it might be
  append(std::span(leaving_).first(before));
  for (size_t i = 0; i < size; ++i) {
    const double angle = std::numbers::pi / 2 * (static_cast<double>(i) + 0.5) / static_cast<double>(size);
    const double share = std::sin(angle) * std::sin(angle);
    joined_.push_back(static_cast<float>(share * static_cast<double>(coming[i]) +
                                         (1 - share) * static_cast<double>(leaving_[before + i])));
  }
}

}  // namespace contentvec::conversion
