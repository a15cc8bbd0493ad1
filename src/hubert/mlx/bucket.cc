#include "hubert/mlx/bucket.h"

#include <algorithm>
#include <bit>
#include <map>

namespace contentvec::mlx {

int64_t bucket_frames(int64_t frames) {
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(frames)));
  const int64_t step = std::max<int64_t>(1, power / 8);
  return (frames + step - 1) / step * step;
}

int64_t bucket_samples(const ModelConfig& config, int64_t frames, int64_t multiple) {
  const ConvLayer& first = config.conv_layers.front();
  const int64_t most = frames * config.hop() + config.receptive_field() - 1;
  const int64_t windows = (most - first.kernel + first.stride - 1) / first.stride + 1;
  return ((windows + multiple - 1) / multiple * multiple - 1) * first.stride + first.kernel;
}

std::vector<Bucket> sort_into_buckets(std::span<const int64_t> frames, int64_t most) {
  std::map<int64_t, std::vector<size_t>> by_length;
  for (size_t i = 0; i < frames.size(); ++i) by_length[bucket_frames(frames[i])].push_back(i);
  std::vector<Bucket> buckets;
  for (const auto& [length, members] : by_length) {
    const auto size = static_cast<size_t>(std::max<int64_t>(1, most / length));
    for (size_t begin = 0; begin < members.size(); begin += size) {
      const auto first = members.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = members.begin() + static_cast<std::ptrdiff_t>(std::min(begin + size, members.size()));
      buckets.push_back({length, {first, last}});
    }
  }
  return buckets;
}

}  // namespace contentvec::mlx
