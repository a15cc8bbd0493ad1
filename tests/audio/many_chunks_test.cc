// Files of more chunks, or longer ones, than libsndfile keeps: the samples are behind them all the same.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audio/bytes.h"
#include "contentvec/audio.h"

namespace contentvec {
namespace {

using namespace std::string_literals;
using test::decoded;
using test::error_of;
using test::number;
using testing::HasSubstr;

/// Chunks that are nothing to a reader of samples, as the format has them: its name, its content.
using AddChunk = std::function<std::string(std::string_view name, const std::string& content)>;

struct Container {
  const char* name;
  AddChunk chunk;
  std::function<std::string(const std::string& chunks)>
      file;  ///< 1000 samples of 1/2 between the chunks, twice
};

std::string iff_chunk(std::string_view name, const std::string& content) {
  return std::string(name) + number(content.size(), 4, true) + content +
         std::string(content.size() % 2, '\0');
}

std::string form(std::string_view kind, const std::string& chunks) {
  return "FORM" + number(4 + chunks.size(), 4, true) + std::string(kind) + chunks;
}

std::string halves(size_t bytes_each, bool big_endian) {
  std::string samples;
  for (int i = 0; i < 1000; ++i)
    samples += number(uint64_t{1} << (8 * bytes_each - 2), bytes_each, big_endian);
  return samples;
}

std::string riff_chunk(std::string_view name, const std::string& content) {
  return std::string(name) + number(content.size(), 4) + content + std::string(content.size() % 2, '\0');
}

std::string wav_of(const std::string& chunks, std::string_view name = "RIFF") {
  const bool big = name == "RIFX";
  const auto field = [&](uint64_t value, size_t bytes) { return number(value, bytes, big); };
  const std::string format =
      field(1, 2) + field(1, 2) + field(16000, 4) + field(32000, 4) + field(2, 2) + field(16, 2);
  const std::string samples = halves(2, big);
  const std::string sizes =
      field(0, 8) + field(samples.size(), 8) + field(samples.size() / 2, 8) + field(0, 4);
  const bool is_long = name == "RF64";
  const std::string all = (is_long ? "ds64" + field(28, 4) + sizes : "") + "fmt " + field(16, 4) + format +
                          chunks + "data" + field(is_long ? 0xffffffff : samples.size(), 4) + samples +
                          chunks;
  return std::string(name) + field(is_long ? 0xffffffff : 4 + all.size(), 4) + "WAVE" + all;
}

std::string w64_chunk(std::string_view name, const std::string& content) {
  const std::string rest = "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"s;
  return std::string(name) + rest + number(24 + content.size(), 8) + content +
         std::string((8 - content.size() % 8) % 8, '\0');
}

std::string w64_of(const std::string& chunks) {
  const std::string format =
      number(1, 2) + number(1, 2) + number(16000, 4) + number(32000, 4) + number(2, 2) + number(16, 2);
  const std::string all = w64_chunk("fmt ", format) + chunks + w64_chunk("data", halves(2, false)) + chunks;
  return "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"s + number(40 + all.size(), 8) +
         "wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"s + all;
}

std::string aiff_of(const std::string& chunks) {
  const std::string rate = "\x40\x0c\xfa\x00\x00\x00\x00\x00\x00\x00"s;  // 16000 in 80 bits
  const std::string common = number(1, 2, true) + number(1000, 4, true) + number(16, 2, true) + rate;
  return form("AIFF", chunks + iff_chunk("COMM", common) + chunks +
                          iff_chunk("SSND", std::string(8, '\0') + halves(2, true)) + chunks);
}

std::string svx_of(const std::string& chunks, size_t bytes_each) {
  const std::string header =
      number(1000, 4, true) + number(0, 8) + number(16000, 2, true) + "\x01\x00\x00\x01\x00\x00"s;
  return form(bytes_each == 1 ? "8SVX" : "16SV",
              iff_chunk("VHDR", header) + chunks + iff_chunk("BODY", halves(bytes_each, true)) + chunks);
}

std::string caf_chunk(std::string_view name, const std::string& content) {
  return std::string(name) + number(content.size(), 8, true) + content;
}

std::string caf_of(const std::string& chunks) {
  const std::string rate = "\x40\xcf\x40\x00\x00\x00\x00\x00"s;  // 16000 as a double
  const std::string description = rate + "lpcm" + number(0, 4) + number(2, 4, true) + number(1, 4, true) +
                                  number(1, 4, true) + number(16, 4, true);
  return "caff\0\1\0\0"s + caf_chunk("desc", description) + chunks +
         caf_chunk("data", number(0, 4) + halves(2, true)) + chunks;
}

std::vector<Container> containers() {
  return {{"wav", riff_chunk, [](const std::string& chunks) { return wav_of(chunks); }},
          {"rifx", iff_chunk, [](const std::string& chunks) { return wav_of(chunks, "RIFX"); }},
          {"rf64", riff_chunk, [](const std::string& chunks) { return wav_of(chunks, "RF64"); }},
          {"w64", w64_chunk, w64_of},
          {"aiff", iff_chunk, aiff_of},
          {"8svx", iff_chunk, [](const std::string& chunks) { return svx_of(chunks, 1); }},
          {"16sv", iff_chunk, [](const std::string& chunks) { return svx_of(chunks, 2); }},
          {"caf", caf_chunk, caf_of}};
}

void expect_halves(const std::string& file, const char* what) {
  SCOPED_TRACE(what);
  std::vector<float> waveform;
  EXPECT_NO_THROW(waveform = decoded(file).waveform);
  EXPECT_EQ(waveform, std::vector<float>(1000, 0.5F));
}

TEST(ManyChunks, DoNotHideTheSamples) {
  for (const Container& container : containers()) {
    std::string chunks;
    for (int i = 0; i < 20'000; ++i) chunks += container.chunk("NAME", "");
    expect_halves(container.file(""), container.name);
    expect_halves(container.file(chunks), container.name);
  }
}

TEST(ManyChunks, NorDoesALongOne) {
  for (const Container& container : containers()) {
    for (const char* name : {"ANNO", "NAME", "INST", "MARK", "LIST", "COMT", "id3 "})
      expect_halves(container.file(container.chunk(name, std::string(200'000, 'x'))), container.name);
  }
}

TEST(ManyChunks, WithoutTheOnesThatCountAreRefused) {
  const std::string samples = iff_chunk("BODY", halves(1, true));
  const std::string header = iff_chunk("VHDR", std::string(20, '\x01'));
  std::string chunks;
  for (int i = 0; i < 20'000; ++i) chunks += iff_chunk("NAME", "");
  for (const char* kind : {"8SVX", "16SV"}) {
    EXPECT_THAT(error_of([&] { decoded(form(kind, header + chunks)); }), HasSubstr("no BODY chunk")) << kind;
    EXPECT_THAT(error_of([&] { decoded(form(kind, chunks)); }), HasSubstr("no BODY chunk")) << kind;
    EXPECT_THAT(error_of([&] { decoded(form(kind, chunks + samples)); }), HasSubstr("no whole VHDR chunk"))
        << kind;
  }
}

}  // namespace
}  // namespace contentvec
