#include <algorithm>
#include <optional>

#include "audio/containers.h"

namespace contentvec::audio {
namespace {

constexpr int64_t kId3Header = 10;
constexpr int64_t kId3v1 = 128;
constexpr int64_t kApeHeader = 32;

/// The size in an ID3v2 header or footer: four times 7 bits, without the header.
std::optional<int64_t> id3_size(Scanner& scan, int64_t offset) {
  const std::string_view header = scan.text(offset, kId3Header);
  if (header.size() < kId3Header || byte_at(header, 3) == 0xff || byte_at(header, 4) == 0xff) return {};
  int64_t size = 0;
  for (size_t i = 6; i < 10; ++i) {
    if (byte_at(header, i) >= 0x80) return {};
    size = size << 7 | static_cast<int64_t>(byte_at(header, i));
  }
  return size;
}

/// The beginning of the one tag that ends at `end`, or `end`.
int64_t begin_of_last_tag(Scanner& scan, int64_t end) {
  if (scan.has(end - kId3v1, "TAG")) return end - kId3v1;
  if (scan.has(end - kId3Header, "3DI")) {
    if (const auto size = id3_size(scan, end - kId3Header)) return end - *size - 2 * kId3Header;
  }
  if (scan.has(end - kApeHeader, "APETAGEX")) {
    constexpr uint64_t kHasHeader = uint64_t{1} << 31;
    const auto size = static_cast<int64_t>(scan.little(end - kApeHeader + 12, 4));  // with the footer
    const bool has_header = (scan.little(end - kApeHeader + 20, 4) & kHasHeader) != 0;
    return end - size - (has_header ? kApeHeader : 0);
  }
  if (scan.has(end - 9, "LYRICS200")) {  // behind its size, six digits
    int64_t size = 0;
    for (const char digit : scan.text(end - 15, 6)) size = 10 * size + (digit - '0');
    if (size > 0 && scan.has(end - 15 - size, "LYRICSBEGIN")) return end - 15 - size;
  }
  return end;
}

}  // namespace

int64_t end_before_tags(Scanner& scan, int64_t begin, int64_t end) {
  constexpr int kMostTags = 16;
  for (int i = 0; i < kMostTags; ++i) {
    const int64_t before = begin_of_last_tag(scan, end);
    if (before >= end || before <= begin) return end;
    end = before;
  }
  return end;
}

int64_t begin_behind_tags(Scanner& scan, int64_t begin, int64_t end) {
  constexpr size_t kFlags = 5;
  constexpr size_t kHasFooter = 0x10;
  while (scan.has(begin, "ID3")) {
    const auto size = id3_size(scan, begin);
    if (!size) break;
    const std::string_view header = scan.text(begin, kId3Header);
    const bool footer = (byte_at(header, kFlags) & kHasFooter) != 0 && byte_at(header, 3) >= 4;
    begin = std::min(end, begin + *size + (footer ? 2 : 1) * kId3Header);
  }
  return begin;
}

}  // namespace contentvec::audio
