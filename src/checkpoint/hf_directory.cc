#include "checkpoint/hf_directory.h"

#include <map>
#include <set>
#include <string>

#include "checkpoint/hf_files.h"
#include "checkpoint/json_text.h"
#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json read_object(const fs::path& path) {
  const std::string text = read_json_text(path);
  try {
    json parsed = parse_json(text);
    if (!parsed.is_object()) fail("expected a JSON object, found {}", parsed.type_name());
    return parsed;
  } catch (const Error& error) {
    fail("cannot read {}: {}; correct it or download it again", path.string(), error.what());
  }
}

/// Null where nothing has that name; a link to nowhere, or to itself, is for opening it to complain about.
json read_object_if_there(const fs::path& path) {
  std::error_code error;
  const bool there = fs::symlink_status(path, error).type() != fs::file_type::not_found;
  return there ? read_object(path) : json(nullptr);
}

/// Names of all that is no folder.
std::vector<std::string> files_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::error_code of_entry;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (!at->is_directory(of_entry)) names.push_back(at->path().filename().string());
  if (error)
    fail("cannot open checkpoint {}: this directory cannot be listed: {}; check that you may read it",
         directory.string(), error.message());
  return names;
}

/// A shard is a file beside its index: nothing else may be opened on the index's word.
void check_shard_name(const json& shard, const fs::path& index) {
  const auto* name = shard.get_ptr<const std::string*>();
  const bool plain = name != nullptr && !name->empty() && *name != "." && *name != ".." &&
                     name->find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  if (!plain)
    fail("cannot read {}: expected the plain names of files beside it in \"weight_map\", found {}",
         index.string(), quote(shard.dump(-1, ' ', false, json::error_handler_t::replace)));
}

/// The index's map of tensor names to the shards that hold them.
json weight_map(const fs::path& index) {
  json parsed = read_object(index);
  const auto map = parsed.find("weight_map");
  if (map == parsed.end() || !map->is_object() || map->empty())
    fail("cannot read {}: expected an object \"weight_map\" of tensor names and files, found none",
         index.string());
  for (const auto& [name, shard] : map->items()) check_shard_name(shard, index);
  return std::move(*map);
}

Checkpoint open_weights(const fs::path& directory, const OpenFile& open_file) {
  const std::string name = weights_among(files_in(directory));
  if (name.empty())
    fail(
        "cannot open checkpoint {}: expected {} in this directory, found none of them; give a checkpoint "
        "file instead",
        directory.string(), kWeightsLookedFor);
  return is_shard_index(name) ? open_shards(directory / name, open_file) : open_file(directory / name);
}

}  // namespace

bool is_shard_index(const fs::path& path) {
  return path.native().ends_with(".index.json");
}

std::vector<std::string> shards_of(const fs::path& index) {
  std::set<std::string> shards;
  const json map = weight_map(index);
  for (const auto& [name, shard] : map.items()) shards.insert(shard.get<std::string>());
  return {shards.begin(), shards.end()};
}

Checkpoint open_shards(const fs::path& index, const OpenFile& open_file) {
  std::map<std::string, Checkpoint> shards;
  Checkpoint whole;
  const json map = weight_map(index);
  for (const auto& [name, shard] : map.items()) {
    const auto& file = shard.get_ref<const std::string&>();
    if (!shards.contains(file)) shards.emplace(file, open_file(index.parent_path() / file));
    Checkpoint& part = shards.at(file);
    const auto tensor = part.tensors.find(name);
    if (tensor == part.tensors.end())
      fail("cannot read {}: expected tensor {} in {}, which does not hold it; download the shards again",
           index.string(), quote(name), file);
    whole.tensors.insert(part.tensors.extract(tensor));
    whole.container = part.container;
    whole.metadata.merge(part.metadata);
  }
  whole.source = index.string();
  return whole;
}

Checkpoint open_hf_directory(const fs::path& directory, const OpenFile& open_file) {
  Checkpoint checkpoint = open_weights(directory, open_file);
  checkpoint.hf_config = read_object_if_there(directory / "config.json");
  checkpoint.hf_preprocessor = read_object_if_there(directory / "preprocessor_config.json");
  checkpoint.hf_processor = read_object_if_there(directory / "processor_config.json");
  return checkpoint;
}

json json_object_if_any(const fs::path& path) {
  try {
    return read_object_if_there(path);
  } catch (const Error&) {
    return nullptr;
  }
}

}  // namespace contentvec::checkpoint
