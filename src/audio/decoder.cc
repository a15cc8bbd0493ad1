#include "audio/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include "contentvec/audio.h"
#include "runtime/fail.h"
#include "runtime/finite.h"

namespace contentvec::audio {

/// What libsndfile calls to read the source. Nothing in here may throw: the caller is C.
struct Callbacks {
  static Decoder& decoder(void* user) { return *static_cast<Decoder*>(user); }

  static sf_count_t size(void* user) { return decoder(user).stream_.bytes->size(); }

  static sf_count_t tell(void* user) { return decoder(user).position_; }

  static sf_count_t seek(sf_count_t offset, int whence, void* user) {
    Decoder& self = decoder(user);
    const int64_t size = self.stream_.bytes->size();
    const int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self.position_ : size;
    // A damaged header may point anywhere: outside the file is its nearest end.
    self.position_ = base + std::clamp<int64_t>(offset, -base, size - base);
    return self.position_;
  }

  static sf_count_t read(void* into, sf_count_t count, void* user) {
    if (count <= 0) return 0;
    Decoder& self = decoder(user);
    const std::span room(static_cast<std::byte*>(into), static_cast<size_t>(count));
    const auto got = static_cast<int64_t>(self.stream_.bytes->read(self.position_, room));
    self.position_ += got;
    return got;
  }

  static sf_count_t write(const void*, sf_count_t, void*) { return 0; }
};

namespace {

// Frames x channels decoded at a time: few, because where libsndfile misjudges an MP3 file's length it drops
// the rest of the block at hand, and what it drops cannot be noticed.
constexpr size_t kBlockValues = 1 << 12;

std::string_view reason_to_refuse(int error) {
  switch (error) {
    case SF_ERR_UNRECOGNISED_FORMAT:
      return "its format is not recognised";
    case SF_ERR_UNSUPPORTED_ENCODING:
      return "its samples are encoded in a way that libsndfile does not read";
    default:
      return "its header is damaged";
  }
}

}  // namespace

Decoder::Decoder(Stream stream, std::string doing) : stream_(std::move(stream)), doing_(std::move(doing)) {
  open();
  check_rate();
  const size_t channels = static_cast<size_t>(info_.channels);
  const size_t frames = std::max<size_t>(1, kBlockValues / channels);
  interleaved_.resize(frames * channels);
  mono_.reserve(frames);
}

void Decoder::open() {
  SF_VIRTUAL_IO callbacks{Callbacks::size, Callbacks::seek, Callbacks::read, Callbacks::write,
                          Callbacks::tell};
  file_.reset(sf_open_virtual(&callbacks, SFM_READ, &info_, this));
  if (file_ != nullptr) return;
  if (stream_.bytes->error() != 0) {
    fail("{}: reading failed: {}", doing_, std::generic_category().message(stream_.bytes->error()));
  }
  refuse_format(doing_, reason_to_refuse(sf_error(nullptr)));
}

void Decoder::check_rate() const {
  if (info_.samplerate >= kLowestRate && info_.samplerate <= kHighestRate) return;
  fail("{}: the header gives {} Hz as its sample rate; the limits are {} to {} Hz; it is probably damaged",
       doing_, info_.samplerate, kLowestRate, kHighestRate);
}

std::span<const float> Decoder::next() {
  const auto room = static_cast<sf_count_t>(interleaved_.size()) / info_.channels;
  const sf_count_t got = sf_readf_float(file_.get(), interleaved_.data(), room);
  if (got <= 0) {
    check_end();
    return {};
  }
  average_channels(static_cast<size_t>(got));
  check_finite();
  frames_read_ += got;
  return mono_;
}

std::span<const float> Decoder::channels() const {
  return std::span(interleaved_).first(mono_.size() * static_cast<size_t>(info_.channels));
}

/// In float32 and in channel order, as numpy.mean does it for librosa.to_mono: 16 kHz files agree to the bit.
void Decoder::average_channels(size_t frames) {
  const size_t channels = static_cast<size_t>(info_.channels);
  mono_.resize(frames);
  for (size_t t = 0; t < frames; ++t) {
    const float* frame = interleaved_.data() + t * channels;
    float sum = frame[0];
    for (size_t c = 1; c < channels; ++c) sum += frame[c];
    mono_[t] = sum / static_cast<float>(channels);
  }
}

void Decoder::check_finite() const {
  const auto bad = first_non_finite(mono_);
  if (!bad) return;
  const int64_t index = frames_read_ + static_cast<int64_t>(*bad);
  fail("{}: sample {} ({:.3f} s) is {}; expected finite numbers; export the file again, or cut that part out",
       doing_, index, static_cast<double>(index) / rate(), mono_[*bad]);
}

void Decoder::check_end() const {
  if (stream_.bytes->error() != 0) {
    fail("{}: reading failed after {} frames: {}", doing_, frames_read_,
         std::generic_category().message(stream_.bytes->error()));
  }
  if (const auto reason = reason_for_early_end(); !reason.empty()) {
    const std::string of = frames() > frames_read_ ? fmt::format(" of {}", frames()) : "";
    fail(
        "{}: decoding stopped after {}{} frames ({}): the file is damaged or cut short; get a whole copy, or "
        "see what `ffmpeg -i in.xyz out.wav` makes of it",
        doing_, frames_read_, of, reason);
  }
  if (frames_read_ == 0) fail("{}: the file has no samples; expected at least one", doing_);
}

int64_t Decoder::frames() const {
  return stream_.is_length_guessed || info_.frames == SF_COUNT_MAX ? 0 : info_.frames;
}

std::string_view Decoder::reason_for_early_end() const {
  if (sf_error(file_.get()) != SF_ERR_NO_ERROR) return "what follows is damaged";
  if (frames_read_ < frames()) return "the data ends there, or is damaged";
  constexpr int64_t kAhead = 8192;  // more than a frame or two
  const bool goes_on = type() == SF_FORMAT_MPEG && stream_.bytes->size() - position_ > kAhead;
  return goes_on ? "more follows what it takes for its end" : stream_.cut;
}

}  // namespace contentvec::audio
