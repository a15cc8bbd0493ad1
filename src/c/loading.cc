// What loading takes of the caller, whatever is loaded.

#include "c/loading.h"

#include <array>
#include <string>

#include "c/guard.h"

namespace contentvec::c {

contentvec_load_options load_defaults() {
  contentvec_load_options defaults = {};
  defaults.size = sizeof(defaults);
  return defaults;
}

DType dtype_of(contentvec_dtype dtype) {
  constexpr std::array kTypes = {DType::kF32, DType::kBF16, DType::kF16, DType::kTF32};
  if (dtype < CONTENTVEC_F32 || dtype > CONTENTVEC_TF32) {
    throw InvalidArgument("no dtype has the number " + std::to_string(dtype));
  }
  return kTypes[static_cast<size_t>(dtype)];
}

void check_is_for_cpu(const contentvec_load_options& given, const char* what) {
  if (given.config_json != nullptr) {
    throw InvalidArgument(std::string("config_json is set: the file of ") + what +
                          " says its own architecture");
  }
  if (given.device != CONTENTVEC_CPU && given.device != CONTENTVEC_AUTO) {
    throw InvalidArgument(std::string(what) + " runs on the CPU; the device is number " +
                          std::to_string(given.device));
  }
  check_abort(given.abort);
}

RunTasks run_tasks_of(const contentvec_load_options& given) {
  if (given.run_tasks == nullptr) return nullptr;
  return
      [run = given.run_tasks, user = given.run_tasks_user](int tasks, const std::function<void(int)>& task) {
        using Task = std::function<void(int)>;
        run(
            user, tasks, [](void* context, int32_t index) { (*static_cast<const Task*>(context))(index); },
            const_cast<Task*>(&task));
      };
}

HubOptions hub_of(const contentvec_load_options& given) {
  HubOptions hub;
  if (given.hub_revision != nullptr) hub.revision = given.hub_revision;
  if (given.hub_cache_dir != nullptr) hub.cache_dir = given.hub_cache_dir;
  if (given.hub_token != nullptr) hub.token = given.hub_token;
  hub.local_files_only = given.local_files_only != 0;
  hub.progress = [given](const DownloadProgress& at) {
    check_abort(given.abort);
    if (given.progress == nullptr) return;
    const std::string what = at.file.empty() ? "files of " + at.repo : "bytes of " + at.file;
    if (given.progress(given.user, what.c_str(), at.done, at.total) != 0) throw Aborted();
  };
  return hub;
}

VirtualFile file_of(const void* file, size_t size, const char* name) {
  check_array(file, size, "file");
  const std::span bytes(static_cast<const std::byte*>(file), size);
  return file_in_memory(bytes, name == nullptr ? "memory" : name);
}

VirtualFile file_of(contentvec_read_at read, void* user, uint64_t size, const char* name) {
  if (read == nullptr) throw InvalidArgument("read is a null pointer");
  VirtualFile file;
  if (name != nullptr) file.name = name;
  file.size = size;
  file.read = [read, user, name = file.name](uint64_t offset, std::span<std::byte> part) {
    if (read(user, offset, part.data(), part.size()) != 0) {
      throw Error("cannot read " + name + ": the caller's function failed at byte " + std::to_string(offset));
    }
  };
  return file;
}

std::span<const float> waveform_of(const float* waveform, int64_t samples) {
  const size_t size = checked_count(samples, "samples");
  check_array(waveform, size, "waveform");
  return {waveform, size};
}

}  // namespace contentvec::c
