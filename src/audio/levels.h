#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace contentvec::audio {

/// Watches a recording's level as it is decoded, for what a listener would notice at once.
class Levels {
 public:
  /// The frames in order: all channels, interleaved, and their mean.
  void add(std::span<const float> interleaved, std::span<const float> mono);

  /// Whole sentences; `rate` is in frames a second.
  [[nodiscard]] std::vector<std::string> warnings(int rate) const;

 private:
  double channels_energy_ = 0;  ///< mean over the channels
  double mono_energy_ = 0;
  float peak_ = 0;
  int64_t peak_at_ = 0;  ///< frame
  int64_t frames_ = 0;
  int64_t beyond_ = 0;    ///< frames far beyond full scale
  bool several_ = false;  ///< channels
};

}  // namespace contentvec::audio
