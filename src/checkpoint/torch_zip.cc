#include "checkpoint/torch_zip.h"

#include <map>
#include <utility>

#include "checkpoint/text.h"
#include "checkpoint/torch_state.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/zip_archive.h"

namespace contentvec::checkpoint {
namespace {

class ZipStorage final : public Storage {
 public:
  ZipStorage(std::shared_ptr<const ZipArchive> archive, ZipArchive::Entry entry)
      : archive_(std::move(archive)), entry_(entry) {}

  [[nodiscard]] size_t size() const override { return entry_.size; }
  [[nodiscard]] const std::string& source() const override { return archive_->path(); }

  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    try {
      return archive_->read(entry_);
    } catch (const Error& error) {  // open() is long over: nobody else names the file
      fail("cannot read checkpoint {}: {}", source(), error.what());
    }
  }

 private:
  std::shared_ptr<const ZipArchive> archive_;
  ZipArchive::Entry entry_;
};

/// Storages by key, so that tensors which share one share its bytes.
class ZipStorages {
 public:
  ZipStorages(std::shared_ptr<const ZipArchive> archive, std::string folder)
      : archive_(std::move(archive)), folder_(std::move(folder)) {}

  std::shared_ptr<const Storage> find(const StorageId& id) {
    if (id.view) fail_damaged("storage {} is a view, which a zip cannot hold", quote(id.key));
    std::shared_ptr<const Storage>& storage = storages_[id.key];
    if (!storage)
      storage =
          std::make_shared<ZipStorage>(archive_, archive_->find(fmt::format("{}data/{}", folder_, id.key)));
    if (id.element_size != 0 && id.bytes() != storage->size())
      fail_damaged("storage {} claims {} elements of {} bytes, but its zip entry has {} bytes", quote(id.key),
                   id.count, id.element_size, storage->size());
    return storage;
  }

 private:
  std::shared_ptr<const ZipArchive> archive_;
  std::string folder_;
  std::map<std::string_view, std::shared_ptr<const Storage>> storages_;
};

/// Where data.pkl is: "" or "NAME/".
std::string root_folder(const ZipArchive& archive) {
  constexpr std::string_view kPickle = "data.pkl";
  const std::string_view* root = nullptr;
  for (const auto& [name, index] : archive.names()) {
    if (!name.ends_with(kPickle)) continue;
    const std::string_view folder = name.substr(0, name.size() - kPickle.size());
    const bool top = folder.empty() || folder.find('/') == folder.size() - 1;
    if (!top) continue;
    if (root != nullptr)
      fail_damaged("there are two data.pkl in the zip: {} and {}", quote(name), quote(*root));
    root = &name;
  }
  if (root == nullptr)
    fail(
        "expected a checkpoint that torch.save wrote, found a zip file without a data.pkl; unpack it if a "
        "checkpoint is inside");
  return std::string(root->substr(0, root->size() - kPickle.size()));
}

std::string_view content_text(const ZipArchive& archive, const std::string& name,
                              std::shared_ptr<const std::byte[]>& content) {
  const ZipArchive::Entry entry = archive.find(name);
  content = archive.read(entry);
  return as_text({content.get(), entry.size});
}

void check_flavour(const ZipArchive& archive, const std::string& root) {
  if (archive.contains(root + "constants.pkl"))
    fail(
        "expected a checkpoint that torch.save wrote, found a TorchScript program; load it with "
        "torch.jit.load and torch.save its state_dict()");
  if (!archive.contains(root + "byteorder")) return;
  std::shared_ptr<const std::byte[]> content;
  const std::string_view order = content_text(archive, root + "byteorder", content);
  if (order != "little")
    fail("expected a checkpoint with little-endian numbers, found {} ones; save it again on another machine",
         quote(order));
}

}  // namespace

bool is_zip(std::span<const std::byte> bytes) {
  const std::string_view text = as_text(bytes);
  using namespace std::string_view_literals;
  return text.starts_with("PK\x03\x04"sv) || text.starts_with("PK\x05\x06"sv);
}

Checkpoint read_torch_zip(const std::shared_ptr<const InputFile>& file) {
  const auto archive = std::make_shared<const ZipArchive>(file);
  const std::string root = root_folder(*archive);
  check_flavour(*archive, root);
  std::shared_ptr<const std::byte[]> content;
  const std::string_view text = content_text(*archive, root + "data.pkl", content);
  const pickle::Values values = pickle::unpickle(std::as_bytes(std::span(text)));
  ZipStorages storages(archive, root);
  Checkpoint checkpoint;
  checkpoint.container = "torch zip";
  read_torch_state(
      values, file->size(), [&](const StorageId& id) { return storages.find(id); }, checkpoint);
  return checkpoint;
}

}  // namespace contentvec::checkpoint
