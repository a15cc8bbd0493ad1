#include <sndfile.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "audio/pcm.h"
#include "contentvec/audio.h"
#include "output/atomic_file.h"
#include "runtime/fail.h"
#include "runtime/finite.h"
#include "runtime/lower_case.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using Channels = std::span<const std::span<const float>>;

/// Where libsndfile writes to. Its calls come from C: what goes wrong is kept, and thrown by whoever called C.
class AudioTarget {
 public:
  explicit AudioTarget(const fs::path& path) : file_(path) {}

  SNDFILE* open(SF_INFO& info) {
    SF_VIRTUAL_IO callbacks{size, seek, read, write, tell};
    return sf_open_virtual(&callbacks, SFM_WRITE, &info, this);
  }

  void rethrow() {
    if (error_) std::rethrow_exception(error_);
  }

  void commit() {
    rethrow();
    if (file_.straight_through()) file_.write(held_);
    file_.commit();
  }

 private:
  static AudioTarget& target(void* user) { return *static_cast<AudioTarget*>(user); }
  static sf_count_t size(void* user) { return target(user).size_; }
  static sf_count_t tell(void* user) { return target(user).position_; }
  static sf_count_t read(void*, sf_count_t, void*) { return 0; }

  static sf_count_t seek(sf_count_t offset, int whence, void* user) {
    AudioTarget& self = target(user);
    const int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self.position_ : self.size_;
    self.position_ = std::clamp<int64_t>(base + offset, 0, self.size_);
    return self.position_;
  }

  static sf_count_t write(const void* from, sf_count_t count, void* user) {
    AudioTarget& self = target(user);
    if (self.error_ || count <= 0) return 0;
    try {
      self.put({static_cast<const std::byte*>(from), static_cast<size_t>(count)});
      return count;
    } catch (...) {
      self.error_ = std::current_exception();
      return 0;
    }
  }

  /// The sizes at the beginning of a file are filled in at its end, which what goes straight through has to wait for.
  void put(std::span<const std::byte> bytes) {
    const int64_t end = position_ + static_cast<int64_t>(bytes.size());
    if (file_.straight_through()) {
      held_.resize(static_cast<size_t>(std::max(size_, end)));
      std::copy(bytes.begin(), bytes.end(), held_.begin() + position_);
    } else {
      file_.write_at(position_, bytes);
    }
    position_ = end;
    size_ = std::max(size_, end);
  }

  output::AtomicFile file_;
  std::vector<std::byte> held_;
  int64_t position_ = 0;
  int64_t size_ = 0;
  std::exception_ptr error_;
};

AudioContainer container_of(const fs::path& path, const AudioFileOptions& options) {
  if (options.container) return *options.container;
  const std::string ending = lower_case(path.extension().string());
  if (ending == ".wav") return AudioContainer::kWav;
  if (ending == ".flac") return AudioContainer::kFlac;
  fail("cannot write audio to '{}': expected a name that ends in .wav or .flac, or a container that is named",
       path.string());
}

int bits_of(AudioEncoding encoding) {
  return encoding == AudioEncoding::kPcm16 ? 16 : encoding == AudioEncoding::kPcm24 ? 24 : 32;
}

/// What libsndfile calls it.
int format_of(AudioContainer container, AudioEncoding encoding, uint64_t bytes) {
  constexpr uint64_t kMostOfWav = 0xFFFFFFFFU - 4096U;  // with room for the header
  const int subtype = encoding == AudioEncoding::kPcm16   ? SF_FORMAT_PCM_16
                      : encoding == AudioEncoding::kPcm24 ? SF_FORMAT_PCM_24
                                                          : SF_FORMAT_FLOAT;
  if (container == AudioContainer::kFlac) return SF_FORMAT_FLAC | subtype;
  return (bytes > kMostOfWav ? SF_FORMAT_RF64 : SF_FORMAT_WAV) | subtype;
}

void check_audio(const fs::path& path, Channels channels, int rate, AudioContainer container,
                 AudioEncoding encoding) {
  const bool is_flac = container == AudioContainer::kFlac;
  const size_t most_channels = is_flac ? 8 : 1024;
  const int highest_rate = is_flac ? 655350 : kHighestRate;
  if (channels.empty() || channels.size() > most_channels)
    fail("cannot write '{}': expected 1 to {} channels, found {}", path.string(), most_channels,
         channels.size());
  for (const auto& channel : channels) {
    if (channel.size() != channels.front().size())
      fail("cannot write '{}': its channels have {} and {} samples; expected as many in each", path.string(),
           channels.front().size(), channel.size());
  }
  if (rate < 1 || rate > highest_rate)
    fail("cannot write '{}': expected a rate of 1 to {} Hz, found {}", path.string(), highest_rate, rate);
  if (is_flac && encoding == AudioEncoding::kFloat)
    fail(
        "cannot write '{}': FLAC holds whole numbers, and floats are asked for; choose 16 or 24 bits, or WAV",
        path.string());
}

constexpr size_t kBlockFrames = 4096;

/// Hands all samples to libsndfile, `convert`ed and interleaved, block by block. False where it did not take them.
template <typename Value, typename Write, typename Convert>
bool write_samples(SNDFILE* file, Channels channels, const Write& write, const Convert& convert) {
  const size_t frames = channels.front().size();
  std::vector<Value> block;
  for (size_t begin = 0; begin < frames; begin += kBlockFrames) {
    const size_t end = std::min(frames, begin + kBlockFrames);
    block.clear();
    for (size_t t = begin; t < end; ++t) {
      for (const auto& channel : channels) block.push_back(convert(channel[t]));
    }
    const auto count = static_cast<sf_count_t>(end - begin);
    if (write(file, block.data(), count) != count) return false;
  }
  return true;
}

bool write_encoded(SNDFILE* file, Channels channels, AudioEncoding encoding) {
  if (encoding == AudioEncoding::kFloat) {
    for (const auto& channel : channels) check_finite_samples(channel);
    return write_samples<float>(file, channels, sf_writef_float, [](float x) { return x; });
  }
  // libsndfile takes whole numbers in the upper bits of 32.
  const int bits = bits_of(encoding);
  const audio::PcmScale scale(channels, bits);
  return write_samples<int>(file, channels, sf_writef_int,
                            [&](float x) { return scale.apply(x) * (1 << (32 - bits)); });
}

}  // namespace

void write_audio(const fs::path& path, Channels channels, int rate, const AudioFileOptions& options) {
  const AudioContainer container = container_of(path, options);
  check_audio(path, channels, rate, container, options.encoding);
  const uint64_t bytes = uint64_t{channels.size()} * channels.front().size() *
                         static_cast<uint64_t>(bits_of(options.encoding) / 8);
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = static_cast<int>(channels.size());
  info.format = format_of(container, options.encoding, bytes);

  AudioTarget target(path == "-" ? fs::path("/dev/stdout") : path);
  const auto close = [](SNDFILE* file) { sf_close(file); };
  std::unique_ptr<SNDFILE, decltype(close)> file(target.open(info), close);
  target.rethrow();
  if (!file) fail("cannot write '{}': libsndfile refuses it: {}", path.string(), sf_strerror(nullptr));
  sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);  // it holds the time
  bool written = write_encoded(file.get(), channels, options.encoding);
  const std::string reason = sf_strerror(file.get());
  written = sf_close(file.release()) == 0 && written;
  target.rethrow();
  if (!written) fail("cannot write '{}': libsndfile failed: {}", path.string(), reason);
  target.commit();
}

}  // namespace contentvec
