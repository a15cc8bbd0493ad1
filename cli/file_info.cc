#include "cli/file_info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

#include "cli/console.h"
#include "contentvec/error.h"
#include "contentvec/feature_file.h"
#include "contentvec/retriever.h"
#include "contentvec/units.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

FileInfo file_of_kind(const std::string& path, const char* kind) {
  const auto bytes = static_cast<int64_t>(fs::file_size(path));
  FileInfo info;
  info.json["kind"] = kind;
  set_path(info.json, "path", path);
  info.json["bytes"] = bytes;
  info.rows = {{"file", shown(path)}, {"size", grouped(bytes) + " bytes"}, {"kind", kind}};
  return info;
}

/// [frames, dim], or [layers, frames, dim]; other sizes are only shown. A safetensors file has its layers
/// apart, so its shape is that of one.
void add_shape(FileInfo& info, const FeatureFileInfo& file) {
  const bool safetensors = file.format == FeatureFormat::kSafetensors;
  const std::span<const int64_t> shape = file.shape;
  const std::span<const int64_t> of_one = file.layers > 0 ? shape.subspan(1) : shape;
  info.json["dtype"] = file.dtype;
  info.json["shape"] = safetensors ? of_one : shape;
  std::string text = fmt::format("[{}]", fmt::join(of_one, ", "));
  if (of_one.size() == 2) {
    if (file.layers > 0) info.json["layers"] = file.layers;
    info.json["frames"] = file.frames;
    info.json["dim"] = file.dim;
    text = fmt::format("{}{} frames x {}", file.layers > 0 ? fmt::format("{} layers x ", file.layers) : "",
                       file.frames, file.dim);
  }
  info.rows.emplace_back("values", fmt::format("{}, {}", text, file.dtype));
}

FileInfo describe_features(const std::string& path) {
  const FeatureFileInfo file = inspect_features(path);
  const bool safetensors = file.format == FeatureFormat::kSafetensors;
  FileInfo info = file_of_kind(path, "features");
  info.json["format"] = safetensors ? "safetensors" : "npy";
  info.rows.emplace_back("format", safetensors          ? "safetensors"
                                   : file.fortran_order ? "npy, in Fortran order"
                                                        : "npy");
  add_shape(info, file);
  if (safetensors) info.json["metadata"] = file.metadata;
  for (const auto& [name, value] : file.metadata) info.rows.emplace_back(shown(name), shown(value));
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

FileInfo describe_units(const std::string& path) {
  const Units units = Units::open(path);
  FileInfo info = file_of_kind(path, "units");
  info.json["clusters"] = units.clusters();
  info.json["dim"] = units.dim();
  info.rows.emplace_back("centres", fmt::format("{} of {}", grouped(units.clusters()), units.dim()));
  return info;
}

/// A k-means model of scikit-learn's: a pickle that names it, whatever its own name is (fairseq's km.bin); or what
/// joblib compressed, which says nothing.
bool is_of_scikit_learn(const std::string& path, std::string_view begins) {
  return begins.find("sklearn.cluster") != std::string_view::npos || path.ends_with(".km") ||
         path.ends_with(".joblib");
}

}  // namespace

std::optional<FileInfo> describe_file(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  std::array<char, 64> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  const std::string_view begins(start.data(), start.size());
  if (begins.starts_with("\x93NUMPY")) return describe_features(path);
  if (path.ends_with(".npz") || is_of_scikit_learn(path, begins)) return describe_units(path);
  if (begins.starts_with("Iw") || begins.starts_with("Ix") || path.ends_with(".index"))
    return describe_index(path);
  try {
    return describe_features(path);
  } catch (const Error&) {
    return std::nullopt;  // a checkpoint; or damaged, which whoever opens checkpoints says better
  }
}

}  // namespace contentvec::cli
