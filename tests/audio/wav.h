#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace contentvec::test {

/// The bytes of a WAV file of float32 samples, interleaved. `claimed` stands in the header as the size of the
/// samples, when the true one is not wanted.
inline std::vector<std::byte> wav(uint32_t rate, uint16_t channels, std::span<const float> samples,
                                  std::optional<uint32_t> claimed = {}) {
  std::vector<std::byte> bytes;
  const auto append = [&](const void* data, size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), first, first + size);
  };
  const auto text = [&](std::string_view tag) { append(tag.data(), tag.size()); };
  const auto u16 = [&](uint16_t value) { append(&value, sizeof value); };
  const auto u32 = [&](uint32_t value) { append(&value, sizeof value); };
  const uint32_t size = claimed.value_or(static_cast<uint32_t>(samples.size_bytes()));
  text("RIFF"), u32(claimed ? *claimed : size + 36), text("WAVEfmt "), u32(16);
  u16(3), u16(channels), u32(rate), u32(rate * channels * 4), u16(static_cast<uint16_t>(channels * 4)),
      u16(32);
  text("data"), u32(size), append(samples.data(), samples.size_bytes());
  return bytes;
}

}  // namespace contentvec::test
