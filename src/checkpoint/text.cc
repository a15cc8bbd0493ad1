#include "checkpoint/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace contentvec::checkpoint {
namespace {

/// How many bytes follow a UTF-8 lead byte, and the smallest code point they may spell.
struct Sequence {
  size_t following;
  uint32_t smallest;
  uint32_t lead_bits;
};

bool lead(uint8_t byte, Sequence& sequence) {
  if (byte >= 0xc2 && byte <= 0xdf)
    sequence = {1, 0x80, byte & 0x1fu};
  else if (byte >= 0xe0 && byte <= 0xef)
    sequence = {2, 0x800, byte & 0x0fu};
  else if (byte >= 0xf0 && byte <= 0xf4)
    sequence = {3, 0x10000, byte & 0x07u};
  else
    return false;
  return true;
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr size_t kLongest = 120;
  std::string quoted = "'";
  for (const char c : text.substr(0, kLongest)) {
    if (c >= ' ' && c <= '~')
      quoted += c;
    else
      quoted += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
  }
  return quoted + (text.size() > kLongest ? "...'" : "'");
}

std::string listed(const std::vector<std::string>& texts) {
  constexpr size_t kShown = 10;
  std::string list;
  for (size_t i = 0; i < std::min(texts.size(), kShown); ++i) list += (i > 0 ? ", " : "") + quote(texts[i]);
  if (texts.size() > kShown) list += fmt::format(" and {} more", texts.size() - kShown);
  return list;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) continue;
    Sequence sequence{};
    if (!lead(byte, sequence) || text.size() - i <= sequence.following) return false;
    uint32_t code = sequence.lead_bits;
    for (size_t k = 0; k < sequence.following; ++k) {
      const auto next = static_cast<uint8_t>(text[++i]);
      if ((next & 0xc0u) != 0x80u) return false;
      code = code << 6 | (next & 0x3fu);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < sequence.smallest || code > 0x10ffff || surrogate) return false;
  }
  return true;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace contentvec::checkpoint
