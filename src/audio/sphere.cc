#include <algorithm>
#include <charconv>

#include "audio/containers.h"
#include "audio/lengths.h"
#include "audio/pieced_source.h"
#include "runtime/fail.h"

namespace contentvec::audio {
namespace {

/// The value of a field of the header, "sample_count -i 16000", or "".
std::string_view field(std::string_view header, std::string_view name) {
  const size_t at = header.find(fmt::format("\n{} -", name));
  if (at == std::string_view::npos) return {};
  const size_t begin = header.find(' ', at + name.size() + 2);
  if (begin == std::string_view::npos) return {};
  return header.substr(begin + 1, header.find('\n', begin) - begin - 1);
}

int64_t number(std::string_view header, std::string_view name, int64_t otherwise, int64_t most) {
  const std::string_view text = field(header, name);
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && value >= 0 && value <= most ? value : otherwise;
}

}  // namespace

std::optional<Contents> sphere_contents(const Part& part) {
  constexpr size_t kHeader = 1024;
  Scanner scan(part.source);
  const std::string header(scan.text(part.begin, kHeader));
  if (const auto coding = field(header, "sample_coding"); coding.find(',') != std::string_view::npos) {
    fail(
        "{}: a SPHERE file whose samples are compressed ({}), which is not read here; convert it first: "
        "`sph2pipe -f wav in.sph out.wav` or `ffmpeg -i in.sph out.wav`",
        part.doing, coding);
  }
  const int64_t bytes = number(header, "sample_n_bytes", 2, 8) * number(header, "channel_count", 1, 1024);
  const int64_t samples = part.begin + static_cast<int64_t>(kHeader);
  const int64_t promised = number(header, "sample_count", 0, int64_t{1} << 40) * bytes;
  Contents contents = as_it_is(part);
  if (samples < part.end && promised > part.end - samples) {
    const Blocks blocks{bytes, 1, number(header, "sample_rate", 1, 1 << 30)};
    contents.warnings.push_back(length_warning(blocks, static_cast<uint64_t>(promised), part.end - samples));
  }
  return contents;
}

}  // namespace contentvec::audio
