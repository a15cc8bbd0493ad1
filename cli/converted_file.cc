#include "cli/converted_file.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <string_view>

#include "cli/fail.h"
#include "cli/plan.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

/// What a file begins with, zeros beyond its end.
class Beginning {
 public:
  explicit Beginning(const fs::path& path) {
    std::ifstream(path, std::ios::binary).read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

  [[nodiscard]] bool has(size_t at, std::string_view text) const {
    return std::string_view(bytes_.data(), bytes_.size()).substr(at).starts_with(text);
  }
  [[nodiscard]] size_t find(std::string_view text) const {
    return std::string_view(bytes_.data(), bytes_.size()).find(text);
  }
  [[nodiscard]] unsigned byte(size_t at) const { return static_cast<unsigned char>(bytes_.at(at)); }
  /// Little-endian.
  [[nodiscard]] uint64_t number(size_t at, size_t bytes) const {
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | byte(at + i);
    return value;
  }

 private:
  std::array<char, 256> bytes_{};
};

void check_channels(uint64_t found, std::optional<int> expected) {
  if (expected && found != static_cast<uint64_t>(*expected))
    fail("it has {} channels, expected {}", found, *expected);
}

/// The tag of the encoding, and bits of a sample. As libsndfile writes them, that is near the beginning.
void check_wav(const Beginning& file, uint64_t bytes, const ConvertedFile& expected) {
  const bool is_large = file.has(0, "RF64");
  if ((!is_large && !file.has(0, "RIFF")) || !file.has(8, "WAVE")) fail("it is no WAV file");
  const uint64_t promised = (is_large ? file.number(20, 8) : file.number(4, 4)) + 8;
  if (promised != bytes) fail("it has {} bytes, and says that it has {}", bytes, promised);
  constexpr size_t kLastChunk = 200;  // that is looked for
  const size_t chunk = file.find("fmt ");
  if (chunk > kLastChunk) fail("it is no WAV file of this program");
  const uint64_t tag = file.number(chunk + 8, 2);
  const uint64_t bits = file.number(chunk + 22, 2);
  const uint64_t expected_bits = expected.encoding == AudioEncoding::kPcm16   ? 16
                                 : expected.encoding == AudioEncoding::kPcm24 ? 24
                                                                              : 32;
  const uint64_t expected_tag = expected.encoding == AudioEncoding::kFloat ? 3 : 1;
  if (tag != expected_tag || bits != expected_bits)
    fail("its samples are {}-bit {}", bits,
         tag == 3   ? "floats"
         : tag == 1 ? "integers"
                    : "numbers of another kind");
  check_channels(file.number(chunk + 10, 2), expected.channels);
}

/// Bits of a sample and channels are in STREAMINFO, which comes first. How many bytes there are to be nothing says.
void check_flac(const Beginning& file, const fs::path& path, const ConvertedFile& expected) {
  if (!file.has(0, "fLaC")) fail("it is no FLAC file");
  const unsigned bits = ((file.byte(20) & 1U) << 4 | file.byte(21) >> 4) + 1;
  if (bits != (expected.encoding == AudioEncoding::kPcm16 ? 16U : 24U))
    fail("its samples have {} bits", bits);
  check_channels((file.byte(20) >> 1 & 7U) + 1, expected.channels);
  check_audio(path);
}

}  // namespace

void write_converted(const fs::path& path, std::span<const std::span<const float>> channels,
                     const ConvertedFile& file) {
  write_audio(path == kStandardOutput ? "-" : path, channels, file.rate,
              {.container = file.container, .encoding = file.encoding});
}

void check_existing(const fs::path& path, const ConvertedFile& expected) {
  const Beginning file(path);
  if (expected.container == AudioContainer::kWav) {
    check_wav(file, fs::file_size(path), expected);
  } else {
    check_flac(file, path, expected);
  }
  const int rate = audio_rate(path);
  if (rate != expected.rate) fail("its rate is {} Hz, expected {} Hz", rate, expected.rate);
}

}  // namespace contentvec::cli
