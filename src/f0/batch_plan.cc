#include "f0/batch_plan.h"

#include <algorithm>
#include <numeric>

namespace contentvec::f0 {

BatchPlan plan_batch(std::span<const std::span<const float>> waveforms, int threads) {
  std::vector<size_t> order(waveforms.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto samples = [&](size_t i) { return static_cast<int64_t>(waveforms[i].size()); };
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return samples(a) != samples(b) ? samples(a) > samples(b) : a < b; });

  int64_t left = 0;
  for (const size_t i : order) left += samples(i);
  size_t begin = 0;
  for (; begin < order.size(); ++begin) {
    const int64_t own = samples(order[begin]);
    // A team loses about a quarter to its own short loops: so much longer than its share a recording may be.
    if (own <= kMostSideBySide && 4 * own * threads <= 5 * left) break;
    left -= own;
  }
  size_t end = begin;
  if (threads > 1) end = order.size() - (order.size() - begin) % static_cast<size_t>(threads);

  const auto at = [&](size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(i); };
  BatchPlan plan = {{order.begin(), at(begin)}, {at(begin), at(end)}};
  plan.one_by_one.insert(plan.one_by_one.end(), at(end), order.end());
  return plan;
}

}  // namespace contentvec::f0
