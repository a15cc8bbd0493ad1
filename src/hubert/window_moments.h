#pragma once

#include <cstdint>
#include <span>

namespace contentvec::hubert {

/// y = scale x + shift, for one channel.
struct ChannelAffine {
  double scale;
  double shift;
};

/// First and second moments of the windows that conv 0 sees, from which follow the mean and the variance over
/// time of each of its channels, the convolution being linear: GroupNorm's statistics without a pass over
/// conv 0's output, the largest of all activations. Sums in double: of x_j, and of x_j x_k for j <= k, in
/// this order for j = 0, 1, ... A view of size(kernel) doubles that lie elsewhere.
class WindowMoments {
 public:
  static int64_t size(int64_t kernel) { return kernel * (kernel + 3) / 2; }
  WindowMoments(double* sums, int64_t kernel) : sums_(sums), kernel_(kernel) {}

  void clear();
  /// Adds `count` windows, which begin `stride` samples apart.
  void add_windows(const float* waveform, int64_t count, int64_t stride);
  void add(const WindowMoments& other);

  /// The GroupNorm (one group per channel, its own eps of 1e-5) of a channel whose kernel is `weight`, over
  /// `count` windows, as an affine map of the convolution's output without its bias: a bias moves the mean
  /// along and cancels.
  [[nodiscard]] ChannelAffine group_norm(const float* weight, int64_t count, float scale, float shift) const;

 private:
  double* sums_;
  int64_t kernel_;
};

}  // namespace contentvec::hubert
