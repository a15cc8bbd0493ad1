#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// How a signal fades in, while another fades out by what is left to 1: sin^2 from 0 to 1, [samples].
std::vector<double> fade_in(int64_t samples);

/// A sample of what comes while another leaves; `in`: a value of fade_in().
inline float faded(double in, float coming, float leaving) {
  return static_cast<float>(in * static_cast<double>(coming) + (1 - in) * static_cast<double>(leaving));
}

/// Joins blocks that were made one by one: each begins where it resembles most what the one before would have gone on
/// with, and fades in from there while that fades out. Synchronised overlap-add, Roucos and Wilgus 1985.
class Sola {
 public:
  /// In samples: what is given at a time, the fade, and the latest beginning.
  Sola(int64_t block, int64_t fade, int64_t search);

  /// Samples of a block that is made: block + fade + search.
  [[nodiscard]] int64_t input_size() const { return block_ + fade() + search_; }
  /// made: [input_size()]; out: [block]. Returns where it begins, 0 to search: of several as good the first.
  int64_t join(std::span<const float> made, std::span<float> out);
  void reset();

 private:
  [[nodiscard]] int64_t fade() const { return static_cast<int64_t>(fade_in_.size()); }
  int64_t find_offset(std::span<const float> made);

  int64_t block_;
  int64_t search_;
  std::vector<double> fade_in_;       ///< sin^2 from 0 to 1
  std::vector<float> leaving_;        ///< what the block before would go on with
  std::vector<double> correlations_;  ///< by offset
  std::vector<double> energies_;      ///< likewise
};

}  // namespace contentvec::dsp
