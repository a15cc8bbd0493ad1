#include "cli/file_info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "cli/console.h"
#include "contentvec/error.h"
#include "contentvec/retriever.h"
#include "output/npy.h"
#include "runtime/input_file.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

FileInfo file_of_kind(const std::string& path, const char* kind) {
  const auto bytes = static_cast<int64_t>(fs::file_size(path));
  FileInfo info;
  info.json["kind"] = kind;
  set_path(info.json, "path", path);
  info.json["bytes"] = bytes;
  info.rows = {{"file", path}, {"size", grouped(bytes) + " bytes"}, {"kind", kind}};
  return info;
}

/// [frames, dim], or [layers, frames, dim]; other sizes are only shown.
void add_shape(FileInfo& info, std::span<const int64_t> shape, int64_t layers, std::string_view type) {
  info.json["dtype"] = type;
  info.json["shape"] = shape;
  if (shape.size() == 3 && layers == 0) {
    layers = shape.front();
    shape = shape.subspan(1);
  }
  std::string text = checkpoint::shape_text(shape);
  if (shape.size() == 2) {
    if (layers > 0) info.json["layers"] = layers;
    info.json["frames"] = shape[0];
    info.json["dim"] = shape[1];
    text = fmt::format("{}{} frames x {}", layers > 0 ? fmt::format("{} layers x ", layers) : "", shape[0],
                       shape[1]);
  }
  info.rows.emplace_back("values", fmt::format("{}, {}", text, type));
}

FileInfo describe_npy(const std::string& path) {
  const output::NpyHeader header = output::read_npy_header(path);
  FileInfo info = file_of_kind(path, "features");
  info.json["format"] = "npy";
  info.rows.emplace_back("format", header.fortran_order ? "npy, in Fortran order" : "npy");
  add_shape(info, header.shape, 0, header.descr);
  return info;
}

FileInfo describe_index(const std::string& path) {
  const Retriever index = Retriever::open(path);
  FileInfo info = file_of_kind(path, "index");
  info.json["vectors"] = index.size();
  info.json["dim"] = index.dim();
  info.json["lists"] = index.lists();
  const std::string lists =
      index.lists() == 0 ? "not in lists (Flat)" : fmt::format("in {} lists", grouped(index.lists()));
  info.rows.emplace_back("vectors", fmt::format("{} of {}, {}", grouped(index.size()), index.dim(), lists));
  return info;
}

/// Nothing for a checkpoint, which has other tensors.
std::optional<FileInfo> describe_safetensors(const std::string& path) {
  const checkpoint::Checkpoint file = [&] {
    try {
      return checkpoint::read_safetensors(std::make_shared<InputFile>(path));
    } catch (const Error&) {
      return checkpoint::Checkpoint();  // damaged, which whoever opens checkpoints says better
    }
  }();
  const bool all_layers = file.tensors.contains("layer_1");
  const auto first = file.tensors.find(all_layers ? "layer_1" : "features");
  if (first == file.tensors.end()) return std::nullopt;
  FileInfo info = file_of_kind(path, "features");
  info.json["format"] = "safetensors";
  info.rows.emplace_back("format", "safetensors");
  add_shape(info, first->second.shape, all_layers ? static_cast<int64_t>(file.tensors.size()) : 0,
            checkpoint::type_name(first->second.type));
  info.json["metadata"] = file.metadata;
  for (const auto& [name, value] : file.metadata) info.rows.emplace_back(name, value);
  return info;
}

}  // namespace

std::optional<FileInfo> describe_file(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  std::array<char, 16> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  const std::string_view begins(start.data(), start.size());
  if (begins.starts_with("\x93NUMPY")) return describe_npy(path);
  if (begins.starts_with("Iw") || begins.starts_with("Ix") || path.ends_with(".index"))
    return describe_index(path);
  if (checkpoint::is_safetensors(std::as_bytes(std::span(start)))) return describe_safetensors(path);
  return std::nullopt;
}

}  // namespace contentvec::cli
