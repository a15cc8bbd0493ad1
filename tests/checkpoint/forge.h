#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Writes checkpoints of every container, byte by byte, so that a test can get any byte wrong.

namespace contentvec::test {

/// The `bytes` lowest bytes of a number, little-endian.
std::string little(uint64_t value, size_t bytes);
/// The bytes of float32 numbers.
std::string floats(std::initializer_list<float> values);
std::string repeat(std::string_view text, size_t times);

// --- pickles: each returns the opcodes that push one value ---
std::string text(std::string_view value);
std::string integer(int64_t value);
std::string none();
std::string global(std::string_view module, std::string_view name);
std::string tuple(const std::vector<std::string>& items);
std::string list(const std::vector<std::string>& items);
std::string dict(const std::vector<std::pair<std::string, std::string>>& entries);   // keys are opcodes too
std::string named(const std::vector<std::pair<std::string, std::string>>& entries);  // keys are plain texts
std::string call(const std::string& callable, const std::vector<std::string>& args);
std::string sizes(const std::vector<int64_t>& values);
/// A torch storage; `more` is appended to its persistent id.
std::string storage(std::string_view type, std::string_view key, int64_t count,
                    const std::vector<std::string>& more = {});
std::string tensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides);
/// A whole pickle: protocol 2, the value, STOP.
std::string pickle(const std::string& value);

// --- zip ---
struct ZipEntry {
  std::string name, content;
  uint16_t method = 0, flags = 0;
  std::optional<uint32_t> crc = {};            ///< instead of the right one
  std::optional<uint64_t> size = {};           ///< claimed in the directory instead of the right one
  std::optional<uint64_t> unpacked_size = {};  ///< where `content` is compressed
};
/// An entry as programs that compress write it (in blocks that are stored, which unpack all the same).
ZipEntry deflated(const std::string& name, const std::string& content);
struct ZipOptions {
  bool zip64 = false;
  std::optional<uint64_t> entry_count;  ///< claimed instead of the right one
};
std::string zip(const std::vector<ZipEntry>& entries, const ZipOptions& options = {});

// --- whole checkpoints ---
using Storages = std::vector<std::pair<std::string, std::string>>;  ///< key, bytes
std::vector<ZipEntry> torch_entries(const std::string& object, const Storages& storages);
std::string torch_zip(const std::string& object, const Storages& storages);
/// The five pickles of the old format.
std::string legacy_head(const std::string& object, const std::vector<std::string>& keys);
std::string torch_legacy(const std::string& object, const Storages& storages, size_t element_size = 4);
std::string safetensors(const std::string& header, const std::string& data);

// --- the small good ones: a tensor "w" [2, 2] = 1, 2, 3, 4 and a tensor "b" [2] = 5, 6 ---
std::string good_object(std::string_view legacy_view = "");
std::string good_zip();
std::string good_legacy();
std::string good_safetensors();

}  // namespace contentvec::test
