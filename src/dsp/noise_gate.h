#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// Silences what is quiet in a signal that comes block by block: hops whose surroundings, four hops, are below a
/// threshold. Of the newest two the surroundings are not known yet; they are told again with the next block.
class NoiseGate {
 public:
  /// In samples; block is a multiple of hop.
  NoiseGate(int64_t block, int64_t hop);

  /// Hops that a block tells again.
  static constexpr int64_t kToldAgain = 2;

  /// block: [block]; out: [block + kToldAgain * hop], the newest samples. threshold: root mean square.
  void run(std::span<const float> block, double threshold, std::span<float> out);
  /// A block goes by that is not to be silenced.
  void pass(std::span<const float> block);
  void reset();

 private:
  int64_t hop_;
  std::vector<float> heard_;  ///< the newest samples, as they came
  std::vector<double> envelope_;
};

}  // namespace contentvec::dsp
