#include <algorithm>
#include <array>

#include "audio/containers.h"
#include "audio/flac.h"
#include "audio/pieced_source.h"
#include "runtime/fail.h"

namespace contentvec::audio {
namespace {

constexpr int64_t kMarker = 4;       // "fLaC"
constexpr int64_t kBlockHeader = 4;  // of a block of metadata: its kind and 24 bits of size
constexpr size_t kFrameHeader = 16;  // bytes, at most
constexpr uint64_t kMostSamples = (uint64_t{1} << 36) - 1;

/// The fields of STREAMINFO that matter here.
struct Info {
  uint64_t largest_block = 0;
  uint64_t bits = 0;
  uint64_t samples = 0;  ///< 0: not known
};

bool begins_stream(Scanner& scan, int64_t at) {
  const std::string_view start = scan.text(at, 8);
  return start.size() == 8 && start.starts_with("fLaC") && (byte_at(start, 4) & 0x7f) == 0 &&
         start.substr(5) == std::string_view("\0\0\x22", 3);
}

Info info_at(Scanner& scan, int64_t at) {
  const uint64_t packed = scan.big(at + 10, 8);  // 20 bits of rate, 3 of channels, 5 of depth, 36 of samples
  return {scan.big(at + 2, 2), (packed >> 36 & 0x1f) + 1, packed & kMostSamples};
}

uint8_t crc8(std::string_view bytes) {
  uint32_t crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1 ^ ((crc & 0x80) != 0 ? 0x107u : 0u)) & 0xff;
  }
  return static_cast<uint8_t>(crc);
}

/// The number of the sample behind the frame whose header begins `bytes`; 0 where none does.
uint64_t end_of_frame(std::string_view bytes, const Info& info) {
  if (byte_at(bytes, 0) != 0xff || (byte_at(bytes, 1) & 0xfe) != 0xf8) return 0;
  const bool counts_samples = (byte_at(bytes, 1) & 1) != 0;  // else frames
  const size_t block_code = byte_at(bytes, 2) >> 4, rate_code = byte_at(bytes, 2) & 0xf;
  if (block_code == 0 || rate_code == 15 || byte_at(bytes, 3) >> 4 > 10 || (byte_at(bytes, 3) & 1) != 0)
    return 0;
  // The number, in what is UTF-8 but for its length.
  size_t at = 4;
  uint64_t number = byte_at(bytes, at++);
  int more = 0;
  while (number < 256 && (number << more & 0x80) != 0) ++more;
  if (more == 1 || more > 7) return 0;
  if (more > 0) number &= 0x7fu >> more;
  for (int i = 1; i < more; ++i) {
    if ((byte_at(bytes, at) & 0xc0) != 0x80) return 0;
    number = number << 6 | (byte_at(bytes, at++) & 0x3f);
  }
  uint64_t block = block_code == 1  ? 192
                   : block_code < 6 ? uint64_t{576} << (block_code - 2)
                                    : uint64_t{1} << block_code;
  if (block_code == 6) block = byte_at(bytes, at) + 1, at += 1;
  if (block_code == 7) block = (byte_at(bytes, at) << 8 | byte_at(bytes, at + 1)) + 1, at += 2;
  at += rate_code == 12 ? 1 : rate_code > 12 ? 2 : 0;
  if (at >= bytes.size() || crc8(bytes.substr(0, at)) != byte_at(bytes, at)) return 0;
  return block + (counts_samples ? number : number * info.largest_block);
}

/// The most that a frame near the end says of where it ends.
uint64_t last_sample(Scanner& scan, int64_t begin, int64_t end, const Info& info) {
  constexpr int64_t kTail = 1 << 20;  // more than the longest frame
  uint64_t last = 0;
  begin = std::max(begin, end - kTail);
  for (const std::string_view sync : {"\xff\xf8", "\xff\xf9"}) {
    for (int64_t at = scan.find(sync, begin, end); at >= 0; at = scan.find(sync, at + 1, end)) {
      std::string header(scan.text(at, kFrameHeader));
      header.resize(kFrameHeader);  // the last frame may be shorter
      last = std::max(last, end_of_frame(header, info));
    }
  }
  return last;
}

/// The beginning of the frames: behind the metadata.
int64_t begin_of_frames(Scanner& scan, int64_t at, int64_t end) {
  at += kMarker;
  while (at + kBlockHeader <= end) {
    const uint64_t header = scan.big(at, 4);
    at += kBlockHeader + static_cast<int64_t>(header & 0xffffff);
    if ((header >> 31) != 0) break;
  }
  return std::min(at, end);
}

}  // namespace

void check_flac_depth(uint64_t bits, const std::string& doing) {
  constexpr std::array<uint64_t, 3> kRead = {8, 16, 24};
  if (std::find(kRead.begin(), kRead.end(), bits) != kRead.end()) return;
  fail(
      "{}: a FLAC file of {} bits a sample; 8, 16 and 24 are read here; convert it first: "
      "`ffmpeg -i in.flac -c:a pcm_s32le out.wav`",
      doing, bits);
}

std::optional<Contents> flac_contents(const Part& part) {
  Scanner scan(part.source);
  const int64_t file_end = end_before_tags(scan, part.begin, part.end);
  Contents contents;
  for (int64_t at = part.begin; at >= 0 && begins_stream(scan, at);) {
    check_stream_count(part, contents.streams.size());
    const int64_t info_begin = at + kMarker + kBlockHeader;
    const Info info = info_at(scan, info_begin);
    check_flac_depth(info.bits, part.doing);
    const int64_t frames = begin_of_frames(scan, at, file_end);
    int64_t next = scan.find("fLaC", frames, file_end);
    while (next >= 0 && !begins_stream(scan, next)) next = scan.find("fLaC", next + 1, file_end);
    int64_t end = next < 0 ? file_end : next;
    std::vector<Patch> patches;
    if (info.samples > 0 && last_sample(scan, frames, end, info) > info.samples) {
      // "Not known", which libsndfile takes for all there are.
      const auto packed = scan.big(info_begin + 13, 1) & 0xf0;
      patches.push_back({info_begin + 13, big_bytes(packed << 32, 5)});
    }
    contents.streams.push_back({patched(part.source, at, end, patches)});
    at = next;
  }
  if (contents.streams.empty()) return std::nullopt;
  return contents;
}

}  // namespace contentvec::audio
