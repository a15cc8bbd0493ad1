#pragma once

#include <sndfile.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/contents.h"

namespace contentvec::audio {

/// The samples of one stream (contents.h), averaged over its channels, block by block. Memory does not depend
/// on what its header claims. Not thread-safe.
class Decoder {
 public:
  /// `doing` begins the text of every Error, here and in next(): "cannot read audio from 'x.wav'". Throws
  /// Error when the bytes are no audio that libsndfile reads, or its sample rate is absurd.
  Decoder(Stream stream, std::string doing);
  Decoder(const Decoder&) = delete;  // libsndfile keeps a pointer to it
  Decoder& operator=(const Decoder&) = delete;

  /// Frames per second, kLowestRate .. kHighestRate.
  [[nodiscard]] int rate() const { return info_.samplerate; }

  [[nodiscard]] int channel_count() const { return info_.channels; }

  /// How many frames the stream announces; 0 when it does not say.
  [[nodiscard]] int64_t frames() const;

  /// The next samples, valid until the next call; empty at the end. Throws Error when decoding fails or stops
  /// before the number of frames that the file announces, at a non-finite sample, and at the end of a file
  /// without samples.
  std::span<const float> next();
  /// The frames that next() gave last, all channels, interleaved.
  [[nodiscard]] std::span<const float> channels() const;

 private:
  struct Close {
    void operator()(SNDFILE* file) const { sf_close(file); }
  };
  void open();
  void check_rate() const;
  void average_channels(size_t frames);
  void check_finite() const;
  void check_end() const;
  [[nodiscard]] int type() const { return info_.format & SF_FORMAT_TYPEMASK; }
  /// Why the end that was reached is not the true one, or "".
  [[nodiscard]] std::string_view reason_for_early_end() const;

  Stream stream_;
  std::string doing_;
  int64_t position_ = 0;  ///< in the stream, for libsndfile's callbacks
  SF_INFO info_{};
  std::unique_ptr<SNDFILE, Close> file_;
  int64_t frames_read_ = 0;
  std::vector<float> interleaved_;  ///< [frames, channels] of the current block
  std::vector<float> mono_;         ///< [frames] of the current block

  friend struct Callbacks;
};

}  // namespace contentvec::audio
