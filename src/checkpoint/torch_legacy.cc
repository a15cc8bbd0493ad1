#include "checkpoint/torch_legacy.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "checkpoint/file_storage.h"
#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"
#include "checkpoint/torch_state.h"
#include "checkpoint/unpickler.h"

namespace contentvec::checkpoint {
namespace {

using pickle::Values;
using namespace std::string_view_literals;

constexpr int64_t kProtocolVersion = 1001;

/// Bytes [begin, begin + size) of the file.
struct Part {
  uint64_t begin;
  size_t size;
};

/// Walks along the file, of which it reads the pickles and passes over the tensors.
class Cursor {
 public:
  explicit Cursor(const InputFile& file) : file_(file) {}

  /// The next pickle, whose texts are views of what this cursor keeps.
  Values unpickle(std::string_view what) {
    // Where it ends only reading it tells.
    for (size_t most = kFirstRead;; most *= 4) {
      const auto count = static_cast<size_t>(std::min<uint64_t>(most, left()));
      const std::shared_ptr<const std::byte[]> bytes = file_.read(position_, count);
      try {
        Values values = pickle::unpickle({bytes.get(), count});
        position_ += values.bytes;
        kept_.push_back(bytes);
        return values;
      } catch (const Error& error) {
        if (count == left()) fail("{}: {}", what, error.what());
      }
    }
  }
  Part take(size_t count, std::string_view key) {
    if (count > left())
      fail_damaged("storage {} takes {} more bytes, {} are left in the file", quote(key), count, left());
    const Part taken = {position_, count};
    position_ += count;
    return taken;
  }
  int64_t take_count(std::string_view key) {
    int64_t count = 0;
    const Part part = take(sizeof count, key);
    file_.read(part.begin, std::as_writable_bytes(std::span(&count, 1)));
    return count;
  }

 private:
  static constexpr size_t kFirstRead = size_t{1} << 20;  // enough for most
  [[nodiscard]] uint64_t left() const { return file_.size() - position_; }

  const InputFile& file_;
  uint64_t position_ = 0;
  std::vector<std::shared_ptr<const std::byte[]>> kept_;
};

void check_machine(const Values& facts) {
  const pickle::Dict* dict = pickle::as_dict(facts, facts.root);
  const bool* little =
      dict == nullptr ? nullptr : facts.get<bool>(pickle::find(facts, *dict, "little_endian"));
  if (little == nullptr) fail_damaged("expected facts about the machine it was saved on, found none");
  if (!*little)
    fail(
        "expected a checkpoint with little-endian numbers, found big-endian ones; save it again on another "
        "machine");
}

/// What the pickle says about each storage, by key.
std::map<std::string_view, StorageId> storage_ids(const Values& values) {
  std::map<std::string_view, StorageId> ids;
  for (const pickle::Ref ref : values.persistent_ids) {
    const StorageId id = storage_id(values, std::get<pickle::PersistentId>(values[ref]).id);
    const auto [known, added] = ids.emplace(id.key, id);
    if (known->second.count != id.count || known->second.class_name != id.class_name)
      fail_damaged("storage {} is described in two ways", quote(id.key));
  }
  return ids;
}

using Parts = std::map<std::string, Part, std::less<>>;

/// The bytes of each storage, which follow each other in the order of `keys`.
Parts storage_parts(const Values& keys, const std::map<std::string_view, StorageId>& ids, Cursor& cursor) {
  const auto* list = keys.get<pickle::List>(keys.root);
  if (list == nullptr) fail_damaged("expected a list of storage keys, found something else");
  Parts parts;
  for (const pickle::Ref ref : list->items) {
    const auto* key = keys.get<pickle::String>(ref);
    if (key == nullptr) fail_damaged("a storage key is not a text");
    const auto id = ids.find(key->text);
    if (id == ids.end()) fail_damaged("nothing describes the storage {}", quote(key->text));
    const int64_t count = cursor.take_count(key->text);
    if (count != id->second.count)
      fail_damaged("storage {} has {} elements, expected {}", quote(key->text), count, id->second.count);
    if (!parts.emplace(key->text, cursor.take(id->second.bytes(), key->text)).second)
      fail_damaged("storage {} occurs twice", quote(key->text));
  }
  return parts;
}

Part find_part(const Parts& parts, const StorageId& id) {
  const auto found = parts.find(id.key);
  if (found == parts.end()) fail_damaged("expected the storage {}, which is missing", quote(id.key));
  if (!id.view) return found->second;
  return {found->second.begin + static_cast<uint64_t>(id.view->offset) * id.element_size,
          static_cast<size_t>(id.view->count) * id.element_size};
}

}  // namespace

bool is_torch_legacy(std::span<const std::byte> bytes) {
  const std::string_view text = as_text(bytes);
  constexpr std::string_view kNumber = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;  // LONG1
  const bool binary = text.size() > 2 && text[0] == '\x80' && text.substr(2).starts_with(kNumber);
  return binary || text.starts_with("L119547037146038801333356L\n"sv);  // before protocol 2
}

Checkpoint read_torch_legacy(const std::shared_ptr<const InputFile>& file) {
  Cursor cursor(*file);
  (void)cursor.unpickle("magic number");  // is_torch_legacy() has looked at it
  const Values version = cursor.unpickle("protocol version");
  const auto* number = version.get<int64_t>(version.root);
  if (number == nullptr || *number != kProtocolVersion)
    fail_damaged("expected version {} of torch's old format, found another one", kProtocolVersion);
  check_machine(cursor.unpickle("facts about the machine"));
  const Values object = cursor.unpickle("the saved object");
  const Values keys = cursor.unpickle("storage keys");
  const Parts parts = storage_parts(keys, storage_ids(object), cursor);
  Checkpoint checkpoint;
  checkpoint.container = "torch legacy";
  std::map<std::pair<uint64_t, size_t>, std::shared_ptr<const Storage>> storages;  // one, where they share it
  const auto find = [&](const StorageId& id) {
    const Part part = find_part(parts, id);
    std::shared_ptr<const Storage>& storage = storages[{part.begin, part.size}];
    if (!storage) storage = std::make_shared<FileStorage>(file, part.begin, part.size);
    return storage;
  };
  read_torch_state(object, file->size(), find, checkpoint);
  return checkpoint;
}

}  // namespace contentvec::checkpoint
