// Composes a stream: input -> block converter -> loudness -> SOLA, and what other threads say and ask meanwhile.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <utility>

#include "contentvec/stream.h"
#include "conversion/block_converter.h"
#include "conversion/block_times.h"
#include "conversion/loudness.h"
#include "conversion/output_denoiser.h"
#include "conversion/parts.h"
#include "conversion/speech.h"
#include "conversion/stream_input.h"
#include "conversion/stream_sizes.h"
#include "dsp/sola.h"
#include "runtime/fail.h"
#include "runtime/finite.h"
#include "runtime/flush_denormals.h"

namespace contentvec {
namespace {

using conversion::Speech;
using Clock = std::chrono::steady_clock;

float level_of(std::span<const float> samples) {
  double sum = 0;
  for (const float x : samples) sum += static_cast<double>(x) * static_cast<double>(x);
  return static_cast<float>(std::sqrt(sum / static_cast<double>(samples.size())));
}

}  // namespace

class VoiceStream::Impl {
 public:
  Impl(Model model, std::optional<PitchEstimator> estimator, Voice voice, std::optional<Retriever> retriever,
       const StreamOptions& options)
      : sizes_(options),
        quality_(options.quality),
        converter_(sizes_, options, std::move(model), std::move(estimator)),
        input_(sizes_),
        denoiser_(sizes_),
        loudness_(sizes_.made(), sizes_.hop),
        sola_(sizes_.block, sizes_.fade, sizes_.search),
        made_(static_cast<size_t>(sizes_.made())),
        times_(1000.0 * static_cast<double>(sizes_.block) / static_cast<double>(sizes_.rate)),
        current_(make_speech(std::move(voice), std::move(retriever), options.settings)),
        settings_(options.settings),
        voice_(current_->voice()),
        retriever_(current_->retriever()) {
    converter_.prepare();
    converter_.prepare(*voice_);
    converter_.run(input_.window_16k(), 0, *current_, 0, made_);
    reset();
  }

  [[nodiscard]] const conversion::StreamSizes& sizes() const { return sizes_; }

  StreamStatus process(std::span<const float> in, std::span<float> out) noexcept {
    const auto block = static_cast<size_t>(sizes_.block);
    if (in.size() != block || out.size() != block) return StreamStatus::kWrongSize;
    const Clock::time_point begin = Clock::now();
    const FlushDenormals flush;
    StreamStatus status = StreamStatus::kOk;
    try {
      take_over();
      input_.push(in, current_->settings());
      convert_block();
      stats_.sola_offset = sola_.join(made_, out);
    } catch (const std::exception& error) {
      status = StreamStatus::kFailed;
      be_silent(out, error.what());
    } catch (...) {  // from the caller's threads
      status = StreamStatus::kFailed;
      be_silent(out, "the caller's own threads ended it");
    }
    ++number_;
    stats_.output_level = level_of(out);
    stats_.input_level = level_of(input_.window().last(block));
    stats_.f0 = converter_.last_f0();
    times_.add(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    times_.write(stats_);
    publish();
    return status;
  }

  void reset() noexcept {
    input_.reset();
    converter_.reset();
    denoiser_.reset();
    sola_.reset();
    number_ = 0;
  }

  [[nodiscard]] StreamSettings settings() const {
    const std::lock_guard lock(mutex_);
    return settings_;
  }

  void set(const StreamSettings& settings) {
    const std::lock_guard one_at_a_time(setters_);
    offer(make_speech(*voice_, retriever_, settings));
  }

  void set_voice(Voice voice, std::optional<Retriever> retriever) {
    const std::lock_guard one_at_a_time(setters_);
    StreamSettings settings = this->settings();
    if (settings.speaker >= voice.info().speakers) settings.speaker = 0;
    auto speech = make_speech(std::move(voice), std::move(retriever), settings);
    converter_.prepare(speech->voice());
    offer(std::move(speech));
  }

  [[nodiscard]] StreamStats stats() const {
    const std::lock_guard lock(mutex_);
    return published_;
  }

  [[nodiscard]] std::string error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  std::unique_ptr<Speech> make_speech(Voice voice, std::optional<Retriever> retriever,
                                      const StreamSettings& settings) const {
    conversion::check_parts(converter_.model(), voice, retriever);
    if (quality_ == StreamQuality::kFast && converter_.model().device() != Device::kCpu)
      fail("a stream is fast on the CPU alone; '{}' runs on MLX: ask for the exact one",
           converter_.model().info().source);
    if (voice.info().pitch && !converter_.estimator())
      fail("the voice '{}' takes a pitch; give the stream a pitch estimator", voice.info().source);
    return std::make_unique<Speech>(sizes_, std::move(voice), std::move(retriever), settings);
  }

  /// What another thread offers is taken over if it is not about to offer more.
  void take_over() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || !is_offered_) return;
    std::swap(current_, offered_);  // the former is freed by whoever offers next
    is_offered_ = false;
  }

  void offer(std::unique_ptr<Speech> speech) {
    {
      const std::lock_guard lock(mutex_);
      settings_ = speech->settings();
      voice_ = speech->voice();
      retriever_ = speech->retriever();
      std::swap(offered_, speech);
      is_offered_ = true;
    }
    // The former is freed here, outside of the lock.
  }

  void publish() noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock()) published_ = stats_;
  }

  void convert_block() {
    const std::span<const float> input =
        input_.window().subspan(static_cast<size_t>(sizes_.extra), made_.size());
    const StreamSettings& settings = current_->settings();
    if (settings.bypass) {
      converter_.pass();
      std::copy(input.begin(), input.end(), made_.begin());
      return;
    }
    converter_.run(input_.window_16k(), input_.changed_hops(), *current_, number_, made_);
    if (settings.denoise_output) denoiser_.run(made_);
    if (settings.rms_mix_rate != 1) loudness_.mix(made_, input, settings.rms_mix_rate);
    if (const auto place = first_non_finite(made_))
      fail("the voice gave {}: its weights overflow float32", made_[*place]);
  }

  void be_silent(std::span<float> out, const char* why) noexcept {
    std::fill(out.begin(), out.end(), 0.0F);
    sola_.reset();
    ++stats_.failed;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    try {
      error_ = why;
    } catch (const std::exception&) {
      error_.clear();
    }
  }

  conversion::StreamSizes sizes_;
  StreamQuality quality_;
  conversion::BlockConverter converter_;
  conversion::StreamInput input_;
  conversion::OutputDenoiser denoiser_;
  conversion::BlockLoudness loudness_;
  dsp::Sola sola_;
  std::vector<float> made_;
  conversion::BlockTimes times_;
  StreamStats stats_;
  int64_t number_ = 0;  ///< of the next block
  std::unique_ptr<Speech> current_;

  std::mutex setters_;        ///< held as long as a setter works
  mutable std::mutex mutex_;  ///< of what follows, never held for long
  std::unique_ptr<Speech> offered_;
  bool is_offered_ = false;
  StreamSettings settings_;
  std::optional<Voice> voice_;
  std::optional<Retriever> retriever_;
  StreamStats published_;
  std::string error_;
};

VoiceStream::VoiceStream(Model model, std::optional<PitchEstimator> pitch, Voice voice,
                         std::optional<Retriever> retriever, const StreamOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(pitch), std::move(voice), std::move(retriever),
                                   options)) {}

VoiceStream::~VoiceStream() = default;
VoiceStream::VoiceStream(VoiceStream&& other) noexcept = default;
VoiceStream& VoiceStream::operator=(VoiceStream&& other) noexcept = default;

int64_t VoiceStream::block() const {
  return impl_->sizes().block;
}

int VoiceStream::rate() const {
  return static_cast<int>(impl_->sizes().rate);
}

int64_t VoiceStream::latency() const {
  return impl_->sizes().window() - impl_->sizes().extra;
}

StreamStatus VoiceStream::process(std::span<const float> in, std::span<float> out) noexcept {
  return impl_->process(in, out);
}

void VoiceStream::reset() noexcept {
  impl_->reset();
}

StreamSettings VoiceStream::settings() const {
  return impl_->settings();
}

void VoiceStream::set(const StreamSettings& settings) {
  impl_->set(settings);
}

void VoiceStream::set_voice(Voice voice, std::optional<Retriever> retriever) {
  impl_->set_voice(std::move(voice), std::move(retriever));
}

StreamStats VoiceStream::stats() const {
  return impl_->stats();
}

std::string VoiceStream::error() const {
  return impl_->error();
}

}  // namespace contentvec
