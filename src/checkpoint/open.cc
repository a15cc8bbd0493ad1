#include <algorithm>
#include <memory>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/hf_directory.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/torch_legacy.h"
#include "checkpoint/torch_zip.h"
#include "checkpoint/unknown_file.h"
#include "runtime/fail.h"
#include "runtime/foreign_file.h"
#include "runtime/input_file.h"

namespace contentvec::checkpoint {
namespace {

Checkpoint read(const std::shared_ptr<const InputFile>& file) {
  std::vector<std::byte> beginning(std::min<uint64_t>(file->size(), kForeignBeginning));
  file->read(0, beginning);
  const std::span<const std::byte> bytes = beginning;
  if (is_zip(bytes)) return read_torch_zip(file);
  if (is_torch_legacy(bytes)) return read_torch_legacy(file);
  if (is_safetensors(bytes)) return read_safetensors(file);
  refuse_unknown_file(bytes, file->size());
}

Checkpoint open_file(const std::filesystem::path& path) {
  return open(std::make_shared<const InputFile>(path));
}

}  // namespace

Checkpoint open(const std::shared_ptr<const InputFile>& file) {
  try {
    Checkpoint checkpoint = read(file);
    checkpoint.source = file->path();
    checkpoint.bytes = static_cast<int64_t>(file->size());
    return checkpoint;
  } catch (const Error& error) {  // the one place that names the file, for all readers
    fail("cannot open checkpoint {}: {}", file->path(), error.what());
  }
}

Checkpoint open(const std::filesystem::path& path) {
  std::error_code ignored;  // whatever is wrong with the path, opening it says it better
  if (std::filesystem::is_directory(path, ignored)) return open_hf_directory(path, open_file);
  Checkpoint checkpoint = is_shard_index(path) ? open_shards(path, open_file) : open_file(path);
  checkpoint.hf_config = json_object_if_any(path.parent_path() / "config.json");
  checkpoint.hf_preprocessor = json_object_if_any(path.parent_path() / "preprocessor_config.json");
  checkpoint.hf_processor = json_object_if_any(path.parent_path() / "processor_config.json");
  return checkpoint;
}

}  // namespace contentvec::checkpoint
