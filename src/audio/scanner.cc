#include "audio/scanner.h"

#include <algorithm>
#include <span>

namespace contentvec::audio {
namespace {

constexpr int64_t kBuffer = 1 << 16;

}  // namespace

std::string_view Scanner::text(int64_t offset, size_t size) {
  if (offset < 0 || offset >= size_) return {};
  size = std::min(size, static_cast<size_t>(size_ - offset));
  const int64_t end = offset + static_cast<int64_t>(size);
  if (offset < start_ || end > start_ + static_cast<int64_t>(buffer_.size())) {
    start_ = offset;
    buffer_.resize(std::max<size_t>(size, kBuffer));
    buffer_.resize(source_.read(offset, std::as_writable_bytes(std::span(buffer_))));
  }
  const auto from = static_cast<size_t>(offset - start_);
  return std::string_view(buffer_).substr(std::min(from, buffer_.size()), size);
}

uint64_t Scanner::little(int64_t offset, size_t bytes) {
  const std::string_view found = text(offset, bytes);
  if (found.size() < bytes) return 0;
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | byte_at(found, i);
  return value;
}

uint64_t Scanner::big(int64_t offset, size_t bytes) {
  const std::string_view found = text(offset, bytes);
  if (found.size() < bytes) return 0;
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | byte_at(found, i);
  return value;
}

int64_t Scanner::find(std::string_view wanted, int64_t offset, int64_t end) {
  end = std::min(end, size_);
  while (offset + static_cast<int64_t>(wanted.size()) <= end) {
    // What the buffer has first: whoever looks for the next of many would else fill it each time.
    const int64_t buffered = offset >= start_ ? start_ + static_cast<int64_t>(buffer_.size()) - offset : 0;
    const int64_t most = buffered >= static_cast<int64_t>(wanted.size()) ? buffered : kBuffer;
    const std::string_view part = text(offset, static_cast<size_t>(std::min(end - offset, most)));
    if (part.size() < wanted.size()) return -1;
    if (const size_t at = part.find(wanted); at != std::string_view::npos) {
      return offset + static_cast<int64_t>(at);
    }
    offset += static_cast<int64_t>(part.size() - wanted.size() + 1);
  }
  return -1;
}

bool Scanner::is_zero(int64_t begin, int64_t end) {
  while (begin < end) {
    const std::string_view part = text(begin, static_cast<size_t>(std::min<int64_t>(end - begin, kBuffer)));
    if (part.empty() || part.find_first_not_of('\0') != std::string_view::npos) return false;
    begin += static_cast<int64_t>(part.size());
  }
  return true;
}

}  // namespace contentvec::audio
