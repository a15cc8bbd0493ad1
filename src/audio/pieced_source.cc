#include "audio/pieced_source.h"

#include <algorithm>

namespace contentvec::audio {

void PiecedSource::add_range(int64_t begin, int64_t end) {
  if (begin >= end) return;
  const bool goes_on = !pieces_.empty() && pieces_.back().kind == Kind::kRange &&
                       pieces_.back().from + (size_ - pieces_.back().start) == begin;
  if (!goes_on) pieces_.push_back({size_, begin, Kind::kRange});
  size_ += end - begin;
}

void PiecedSource::add_patched(int64_t begin, int64_t end, const std::vector<Patch>& patches) {
  for (const Patch& patch : patches) {
    add_range(begin, patch.offset);
    add_bytes(patch.bytes);
    begin = patch.offset + static_cast<int64_t>(patch.bytes.size());
  }
  add_range(begin, end);
}

void PiecedSource::add_bytes(std::string_view bytes) {
  if (bytes.empty()) return;
  pieces_.push_back({size_, static_cast<int64_t>(own_.size()), Kind::kBytes});
  own_ += bytes;
  size_ += static_cast<int64_t>(bytes.size());
}

void PiecedSource::put_before(std::string_view bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  for (Piece& piece : pieces_) piece.start += size;
  pieces_.insert(pieces_.begin(), {0, static_cast<int64_t>(own_.size()), Kind::kBytes});
  own_ += bytes;
  size_ += size;
}

void PiecedSource::add_repeated(std::byte value, int64_t count) {
  if (count <= 0) return;
  pieces_.push_back({size_, static_cast<int64_t>(value), Kind::kRepeated});
  size_ += count;
}

size_t PiecedSource::read_piece(const Piece& piece, int64_t skipped, std::span<std::byte> into) noexcept {
  switch (piece.kind) {
    case Kind::kRange:
      return from_.read(piece.from + skipped, into);
    case Kind::kBytes: {
      const auto own = std::as_bytes(std::span(own_)).subspan(static_cast<size_t>(piece.from + skipped));
      std::copy_n(own.begin(), into.size(), into.begin());
      return into.size();
    }
    case Kind::kRepeated:
      std::fill(into.begin(), into.end(), static_cast<std::byte>(piece.from));
      return into.size();
  }
  return 0;
}

size_t PiecedSource::read(int64_t offset, std::span<std::byte> into) noexcept {
  if (offset < 0 || offset >= size_) return 0;
  auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                                [](int64_t at, const Piece& candidate) { return at < candidate.start; }) -
               1;
  size_t done = 0;
  while (done < into.size() && piece != pieces_.end()) {
    const int64_t end = piece + 1 == pieces_.end() ? size_ : (piece + 1)->start;
    const int64_t at = offset + static_cast<int64_t>(done);
    const auto wanted = std::min(into.size() - done, static_cast<size_t>(end - at));
    const size_t got = read_piece(*piece, at - piece->start, into.subspan(done, wanted));
    done += got;
    if (got < wanted) break;
    ++piece;
  }
  return done;
}

std::unique_ptr<PiecedSource> patched(ByteSource& from, int64_t begin, int64_t end,
                                      const std::vector<Patch>& patches) {
  auto source = std::make_unique<PiecedSource>(from);
  source->add_patched(begin, end, patches);
  return source;
}

std::string little_bytes(uint64_t value, size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string big_bytes(uint64_t value, size_t bytes) {
  std::string text = little_bytes(value, bytes);
  std::reverse(text.begin(), text.end());
  return text;
}

}  // namespace contentvec::audio
