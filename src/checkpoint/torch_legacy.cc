#include "checkpoint/torch_legacy.h"

#include <cstring>
#include <map>
#include <utility>

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

/// Walks along the file.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> file) : size_(file.size()), rest_(file) {}

  Values unpickle(std::string_view what) {
    try {
      Values values = pickle::unpickle(rest_);
      rest_ = rest_.subspan(values.bytes);
      return values;
    } catch (const Error& error) {
      fail("{}: {}", what, error.what());
    }
  }
  Part take(size_t count, std::string_view key) {
    if (count > rest_.size())
      fail_damaged("storage {} takes {} more bytes, {} are left in the file", quote(key), count,
                   rest_.size());
    const Part taken = {size_ - rest_.size(), count};
    rest_ = rest_.subspan(count);
    return taken;
  }
  [[nodiscard]] const std::byte* next() const { return rest_.data(); }

 private:
  uint64_t size_;
  std::span<const std::byte> rest_;
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
    if (known->second.count != id.count || known->second.type != id.type)
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
    int64_t count = 0;
    const std::byte* const stored = cursor.next();
    (void)cursor.take(sizeof count, key->text);
    std::memcpy(&count, stored, sizeof count);
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
  // Where the pickles end only reading them tells, so all of it is here until they are read.
  const std::shared_ptr<const std::byte[]> bytes = file->read(0, static_cast<size_t>(file->size()));
  Cursor cursor({bytes.get(), static_cast<size_t>(file->size())});
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
  const auto find = [&](const StorageId& id) -> std::shared_ptr<const Storage> {
    const Part part = find_part(parts, id);
    return std::make_shared<FileStorage>(file, part.begin, part.size);
  };
  read_torch_state(object, file->size(), find, checkpoint);
  return checkpoint;
}

}  // namespace contentvec::checkpoint
