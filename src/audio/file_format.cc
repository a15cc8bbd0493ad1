#include "audio/file_format.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace contentvec::audio {
namespace {

std::string text_at(ByteSource& source, int64_t offset, size_t size) {
  std::string text(size, '\0');
  text.resize(source.read(offset, std::as_writable_bytes(std::span(text))));
  return text;
}

size_t byte_at(std::string_view text, size_t index) {
  return static_cast<unsigned char>(text[index]);
}

struct Magic {
  size_t offset;
  std::string_view bytes;
  std::string_view format;
};

constexpr std::array<Magic, 7> kUnread = {{
    {4, "ftyp", "MP4, M4A or MOV"},
    {0, "\x1A\x45\xDF\xA3", "WebM or Matroska"},
    {0, "\xFF\xF1", "AAC"},
    {0, "\xFF\xF9", "AAC"},
    {0, "ADIF", "AAC"},
    {0, "\x30\x26\xB2\x75", "WMA"},
    {0, "#!AMR", "AMR"},
}};

}  // namespace

std::string_view unread_format(ByteSource& source) {
  const std::string start = text_at(source, 0, 16);
  for (const Magic& magic : kUnread) {
    if (start.compare(std::min(magic.offset, start.size()), magic.bytes.size(), magic.bytes) == 0) {
      return magic.format;
    }
  }
  return {};
}

bool mp3_states_length(ByteSource& source) {
  constexpr size_t kTagHeader = 10;
  int64_t first_frame = 0;
  const std::string tag = text_at(source, 0, kTagHeader);
  if (tag.size() == kTagHeader && tag.starts_with("ID3")) {  // its size: four times 7 bits
    first_frame = kTagHeader;
    for (size_t i = 6; i < 10; ++i) first_frame += static_cast<int64_t>(byte_at(tag, i) << (7 * (9 - i)));
  }
  const std::string frame = text_at(source, first_frame, 64);  // they are 13 to 36 bytes into it
  return frame.find("Xing") != std::string::npos || frame.find("Info") != std::string::npos ||
         frame.find("VBRI") != std::string::npos;
}

bool mp3_goes_on(ByteSource& source, int64_t position) {
  constexpr int64_t kTags = 8192;  // the usual ones, with room to spare
  const std::string next = text_at(source, position, 2);
  const bool is_frame = next.size() == 2 && byte_at(next, 0) == 0xff && byte_at(next, 1) >= 0xe0;
  return is_frame || source.size() - position > kTags;
}

bool ogg_is_whole(ByteSource& source) {
  constexpr size_t kHeader = 27;  // then one byte per segment: its size
  constexpr size_t kLongestPage = 27 + 255 + 255 * 255;
  constexpr size_t kFlags = 5, kSegments = 26;
  constexpr size_t kLastPage = 4;  // in the flags
  const int64_t tail = std::max<int64_t>(0, source.size() - static_cast<int64_t>(kLongestPage));
  const std::string end = text_at(source, tail, kLongestPage);
  const size_t start = end.rfind("OggS");
  if (start == std::string::npos || end.size() - start < kHeader) return false;
  const std::string_view page = std::string_view(end).substr(start);
  const size_t segments = byte_at(page, kSegments);
  if (page.size() < kHeader + segments) return false;
  size_t size = kHeader + segments;
  for (size_t i = 0; i < segments; ++i) size += byte_at(page, kHeader + i);
  return page.size() >= size && (byte_at(page, kFlags) & kLastPage) != 0;
}

}  // namespace contentvec::audio
