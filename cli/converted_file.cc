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

/// "1 16": the tag of the encoding, and bits of a sample. As libsndfile writes them, that is near the beginning.
void check_wav(const Beginning& file, uint64_t bytes, AudioEncoding encoding) {
  const bool is_large = file.has(0, "RF64");
  if ((!is_large && !file.has(0, "RIFF")) || !file.has(8, "WAVE")) fail("it is no WAV file");
  const uint64_t promised = (is_large ? file.number(20, 8) : file.number(4, 4)) + 8;
  if (promised != bytes) fail("it has {} bytes, and says that it has {}", bytes, promised);
  constexpr size_t kLastChunk = 200;  // that is looked for
  const size_t chunk = file.find("fmt ");
  if (chunk > kLastChunk) fail("it is no WAV file of this program");
  const uint64_t tag = file.number(chunk + 8, 2);
  const uint64_t bits = file.number(chunk + 22, 2);
  const uint64_t expected_bits = encoding == AudioEncoding::kPcm16   ? 16
                                 : encoding == AudioEncoding::kPcm24 ? 24
                                                                     : 32;
  const uint64_t expected_tag = encoding == AudioEncoding::kFloat ? 3 : 1;
  if (tag != expected_tag || bits != expected_bits)
    fail("its samples are {}-bit {}", bits,
         tag == 3   ? "floats"
         : tag == 1 ? "integers"
                    : "numbers of another kind");
}

/// The bits of a sample are in STREAMINFO, which comes first.
void check_flac(const Beginning& file, AudioEncoding encoding) {
  if (!file.has(0, "fLaC")) fail("it is no FLAC file");
  const unsigned bits = ((file.byte(20) & 1U) << 4 | file.byte(21) >> 4) + 1;
  if (bits != (encoding == AudioEncoding::kPcm16 ? 16U : 24U)) fail("its samples have {} bits", bits);
}

}  // namespace

void write_converted(const fs::path& path, std::span<const std::span<const float>> channels,
                     const ConvertedFile& file) {
  write_audio(path == kStandardOutput ? "-" : path, channels, file.rate,
              {.container = file.container, .encoding = file.encoding});
}

std::string unlike_expected(const fs::path& path, const ConvertedFile& expected) {
  try {
    const Beginning file(path);
    if (expected.container == AudioContainer::kWav) {
      check_wav(file, fs::file_size(path), expected.encoding);
    } else {
      check_flac(file, expected.encoding);
    }
    const int rate = audio_rate(path);
    if (rate != expected.rate) fail("its rate is {} Hz, expected {} Hz", rate, expected.rate);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace contentvec::cli
