#include "checkpoint/torch_state.h"

#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "checkpoint/pickle_json.h"
#include "checkpoint/state_search.h"
#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

using pickle::Dict;
using pickle::Ref;
using pickle::String;
using pickle::Values;

constexpr size_t kMostTensors = 65'536;  // references are short and tensors are not
/// All tensors together may be so many times as large as the file. More than once, since tied weights are one
/// storage under two names; but a few bytes must not stand for any number of tensors.
constexpr uint64_t kMostSharing = 4;

/// The entries of `dict` that are no tensors.
nlohmann::json entries_of(const Values& values, const Dict& dict, const State& state,
                          std::map<std::string, std::string>& unread) {
  const auto left_out = [&](Ref value) {
    return is_tensor(values, value) || pickle::as_dict(values, value) == state.tensors;
  };
  return pickle::entries_to_json(values, dict, left_out, unread);
}

/// A storage of several tensors, which is read once for all of them and kept as long as they are: read anew
/// for each, it would take any number of times as long as the file.
class SharedStorage final : public Storage {
 public:
  explicit SharedStorage(std::shared_ptr<const Storage> stored) : stored_(std::move(stored)) {}
  [[nodiscard]] size_t size() const override { return stored_->size(); }
  [[nodiscard]] const std::string& source() const override { return stored_->source(); }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    const std::lock_guard lock(mutex_);
    if (!content_) content_ = stored_->read();
    return content_;
  }

 private:
  std::shared_ptr<const Storage> stored_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const std::byte[]> content_;
};

void keep_shared_storages(std::map<std::string, Tensor>& tensors) {
  std::map<std::shared_ptr<const Storage>, std::vector<Tensor*>> users;
  for (auto& [name, tensor] : tensors)
    if (tensor.storage != nullptr) users[tensor.storage].push_back(&tensor);
  for (const auto& [storage, sharers] : users) {
    if (sharers.size() == 1) continue;
    const auto shared = std::make_shared<const SharedStorage>(storage);
    for (Tensor* tensor : sharers) tensor->storage = shared;
  }
}

/// What the tensors stand for, compared with what the file holds.
class Sharing {
 public:
  explicit Sharing(uint64_t file_bytes) : most_(kMostSharing * file_bytes), file_bytes_(file_bytes) {}

  void add(const Tensor& tensor) {
    elements_ += static_cast<uint64_t>(tensor.count()) * element_size(tensor.type);
    // Storages overlap where zip entries or views of storages do.
    if (tensor.storage != nullptr && seen_.insert(tensor.storage.get()).second)
      storages_ += tensor.storage->size();
    if (elements_ > most_ || storages_ > most_)
      fail(
          "its tensors share their storages: together they would take more than {} times the file's {} "
          "bytes; save the checkpoint again after clone() on each",
          kMostSharing, file_bytes_);
  }

 private:
  uint64_t most_, file_bytes_;
  uint64_t elements_ = 0, storages_ = 0;
  std::set<const Storage*> seen_;
};

}  // namespace

void read_torch_state(const Values& values, uint64_t file_bytes, const FindStorage& find,
                      Checkpoint& checkpoint) {
  const Dict* top = pickle::as_dict(values, values.root);
  const State state = find_state(values);
  Sharing sharing(file_bytes);
  for (const auto& [key, value] : state.tensors->entries) {
    const auto* text = values.get<String>(key);
    if (text == nullptr || !is_tensor(values, value)) continue;
    if (!is_utf8(text->text)) fail_damaged("the tensor name {} is not UTF-8", quote(text->text));
    if (checkpoint.tensors.size() >= kMostTensors) fail("there are more than {} tensors", kMostTensors);
    const std::string name(text->text);
    const auto [place, added] = checkpoint.tensors.emplace(name, tensor_of(values, value, name, find));
    if (!added) fail_damaged("tensor {} occurs twice", quote(name));
    sharing.add(place->second);
  }
  keep_shared_storages(checkpoint.tensors);
  if (top != nullptr) checkpoint.entries = entries_of(values, *top, state, checkpoint.unread_entries);
  if (state.parent != nullptr && state.parent != top) {
    checkpoint.entries_beside = entries_of(values, *state.parent, state, checkpoint.unread_entries);
  }
}

}  // namespace contentvec::checkpoint
