#include "checkpoint/forge.h"

#include <bit>
#include <cstdlib>

namespace contentvec::test {

using std::string;
using std::string_view;
using std::vector;

string little(uint64_t value, size_t bytes) {
  string out;
  for (size_t i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 0xff);
  return out;
}

string floats(std::initializer_list<float> values) {
  string out;
  for (const float value : values) out += little(std::bit_cast<uint32_t>(value), 4);
  return out;
}

string repeat(string_view text, size_t times) {
  string out;
  out.reserve(text.size() * times);
  while (times-- > 0) out += text;
  return out;
}

string text(string_view value) {
  return "X" + little(value.size(), 4) + string(value);
}

string integer(int64_t value) {
  return "\x8a\x08" + little(static_cast<uint64_t>(value), 8);
}

string none() {
  return "N";
}

string global(string_view module, string_view name) {
  return "c" + string(module) + "\n" + string(name) + "\n";
}

string tuple(const vector<string>& items) {
  string out = "(";
  for (const string& item : items) out += item;
  return out + "t";
}

string list(const vector<string>& items) {
  string out = "](";
  for (const string& item : items) out += item;
  return out + "e";
}

string dict(const vector<std::pair<string, string>>& entries) {
  string out = "}(";
  for (const auto& [key, value] : entries) out += key + value;
  return out + "u";
}

string named(const vector<std::pair<string, string>>& entries) {
  vector<std::pair<string, string>> spelled;
  for (const auto& [key, value] : entries) spelled.emplace_back(text(key), value);
  return dict(spelled);
}

string call(const string& callable, const vector<string>& args) {
  return callable + tuple(args) + "R";
}

string sizes(const vector<int64_t>& values) {
  vector<string> items;
  for (const int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}

string storage(string_view type, string_view key, int64_t count, const vector<string>& more) {
  vector<string> parts = {text("storage"), global("torch", type), text(key), text("cpu"), integer(count)};
  parts.insert(parts.end(), more.begin(), more.end());
  return tuple(parts) + "Q";
}

string tensor(const string& storage, int64_t offset, const vector<int64_t>& shape,
              const vector<int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, integer(offset), sizes(shape), sizes(strides), "\x89", "N"});
}

string pickle(const string& value) {
  return "\x80\x02" + value + ".";
}

namespace {

uint32_t crc32(string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

struct Sizes {
  string in_header, extra;
};

/// Sizes as the two header fields, or as the extra field that zip64 keeps them in.
Sizes zip_sizes(uint64_t size, uint64_t unpacked, bool zip64) {
  if (!zip64) return {little(size, 4) + little(unpacked, 4), ""};
  return {little(0xffffffffu, 4) + little(0xffffffffu, 4),
          little(1, 2) + little(16, 2) + little(unpacked, 8) + little(size, 8)};
}

string zip_end(uint64_t count, uint64_t directory_size, uint64_t directory_at, bool zip64) {
  string out;
  if (zip64) {
    const uint64_t here = directory_at + directory_size;
    out += "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(count, 8) +
           little(count, 8) + little(directory_size, 8) + little(directory_at, 8);
    out += "PK\x06\x07" + little(0, 4) + little(here, 8) + little(1, 4);
    count = 0xffff;
    directory_size = directory_at = 0xffffffffu;
  }
  return out + "PK\x05\x06" + little(0, 4) + little(count, 2) + little(count, 2) + little(directory_size, 4) +
         little(directory_at, 4) + little(0, 2);
}

}  // namespace

ZipEntry deflated(const string& name, const string& content) {
  constexpr size_t kMostOfBlock = 65535;
  string packed;
  for (size_t at = 0; at < content.size(); at += kMostOfBlock) {
    const string block = content.substr(at, kMostOfBlock);
    const bool last = at + block.size() == content.size();
    packed += little(last ? 1 : 0, 1) + little(block.size(), 2) + little(~block.size(), 2) + block;
  }
  ZipEntry entry = {name, packed, 8};
  entry.crc = crc32(content);
  entry.unpacked_size = content.size();
  return entry;
}

string zip(const vector<ZipEntry>& entries, const ZipOptions& options) {
  string out, directory;
  for (const ZipEntry& entry : entries) {
    const uint64_t size = entry.content.size();
    const uint64_t claimed = entry.size.value_or(size);
    const Sizes local = zip_sizes(size, entry.unpacked_size.value_or(size), options.zip64);
    const Sizes central = zip_sizes(claimed, entry.unpacked_size.value_or(claimed), options.zip64);
    const string common = little(entry.flags, 2) + little(entry.method, 2) + little(0, 4) +
                          little(entry.crc.value_or(crc32(entry.content)), 4);
    directory += "PK\x01\x02" + little(45, 2) + little(45, 2) + common + central.in_header +
                 little(entry.name.size(), 2) + little(central.extra.size(), 2) + little(0, 10) +
                 little(out.size(), 4) + entry.name + central.extra;
    out += "PK\x03\x04" + little(45, 2) + common + local.in_header + little(entry.name.size(), 2) +
           little(local.extra.size(), 2) + entry.name + local.extra + entry.content;
  }
  const uint64_t count = options.entry_count.value_or(entries.size());
  return out + directory + zip_end(count, directory.size(), out.size(), options.zip64);
}

vector<ZipEntry> torch_entries(const string& object, const Storages& storages) {
  vector<ZipEntry> entries(1);
  entries[0].name = "archive/data.pkl";
  entries[0].content = pickle(object);
  for (const auto& [key, bytes] : storages) {
    entries.emplace_back();
    entries.back().name = "archive/data/" + key;
    entries.back().content = bytes;
  }
  return entries;
}

string torch_zip(const string& object, const Storages& storages) {
  return zip(torch_entries(object, storages));
}

string legacy_head(const string& object, const vector<string>& keys) {
  vector<string> spelled;
  for (const string& key : keys) spelled.push_back(text(key));
  const string magic = string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  return pickle(magic) + pickle(integer(1001)) + pickle(named({{"little_endian", "\x88"}})) + pickle(object) +
         pickle(list(spelled));
}

string torch_legacy(const string& object, const Storages& storages, size_t element_size) {
  vector<string> keys;
  string data;
  for (const auto& [key, bytes] : storages) {
    keys.push_back(key);
    data += little(bytes.size() / element_size, 8) + bytes;
  }
  return legacy_head(object, keys) + data;
}

string safetensors(const string& header, const string& data) {
  return little(header.size(), 8) + header + data;
}

string good_object(string_view legacy_view) {
  vector<string> more;
  if (!legacy_view.empty()) more.emplace_back(legacy_view);
  const string weight = tensor(storage("FloatStorage", "0", 4, more), 0, {2, 2}, {2, 1});
  const string bias = tensor(storage("FloatStorage", "1", 2, more), 0, {2}, {1});
  return named({{"w", weight}, {"b", bias}});
}

string good_zip() {
  return torch_zip(good_object(), {{"0", floats({1, 2, 3, 4})}, {"1", floats({5, 6})}});
}

string good_legacy() {
  return torch_legacy(good_object("N"), {{"0", floats({1, 2, 3, 4})}, {"1", floats({5, 6})}});
}

string good_safetensors() {
  return safetensors(R"({"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                     R"("b":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}})",
                     floats({1, 2, 3, 4, 5, 6}));
}

}  // namespace contentvec::test
