#include "checkpoint/hf_files.h"

#include <algorithm>
#include <string_view>

namespace contentvec::checkpoint {
namespace {

using Files = std::vector<std::string>;

/// The only file at the top with this ending, or nothing.
std::string only_one(const Files& files, std::string_view ending) {
  const auto ends_so = [&](const std::string& name) {
    return name.ends_with(ending) && !name.starts_with('.') && name.find('/') == name.npos;
  };
  const auto found = std::find_if(files.begin(), files.end(), ends_so);
  return found != files.end() && std::none_of(found + 1, files.end(), ends_so) ? *found : "";
}

}  // namespace

std::string weights_among(const Files& files) {
  const auto there = [&](const char* name) {
    return std::find(files.begin(), files.end(), name) != files.end();
  };
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"})
    if (there(name)) return name;
  if (std::string name = only_one(files, ".safetensors"); !name.empty()) return name;
  if (there("hubert_base.pt")) return "hubert_base.pt";
  for (const char* ending : {".pt", ".pth"})
    if (std::string name = only_one(files, ending); !name.empty()) return name;
  return "";
}

}  // namespace contentvec::checkpoint
