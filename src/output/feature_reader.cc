#include <array>
#include <fstream>
#include <string_view>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "contentvec/feature_file.h"
#include "output/npy.h"
#include "runtime/fail.h"
#include "runtime/input_file.h"
#include "runtime/system_path.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using checkpoint::Checkpoint;
using checkpoint::shape_text;
using checkpoint::Tensor;

/// Runs `action`; its errors then name the file.
template <typename Action>
decltype(auto) in_context(const fs::path& path, const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    fail("cannot read '{}': {}", path.string(), error.what());
  }
}

/// By its content; where that is neither, by its name.
FeatureFormat format_at(const fs::path& path) {
  std::error_code ignored;
  std::array<char, 16> start{};
  if (fs::is_regular_file(system_path(path.native()), ignored))
    std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  if (std::string_view(start.data(), start.size()).starts_with("\x93NUMPY")) return FeatureFormat::kNpy;
  const bool safetensors = checkpoint::is_safetensors(std::as_bytes(std::span(start)));
  return safetensors || path.extension() == ".safetensors" ? FeatureFormat::kSafetensors
                                                           : FeatureFormat::kNpy;
}

/// Fills in what the shape says.
void name_sizes(FeatureFileInfo& info) {
  const std::span<const int64_t> shape = info.shape;
  if (shape.empty() || shape.size() > 3) return;
  info.dim = shape.back();
  info.frames = shape.size() > 1 ? shape[shape.size() - 2] : 1;
  info.layers = shape.size() > 2 ? shape.front() : 0;
}

FeatureFileInfo inspect_npy(const fs::path& path) {
  output::NpyHeader header = output::read_npy_header(path);
  FeatureFileInfo info;
  info.format = FeatureFormat::kNpy;
  info.dtype = std::move(header.descr);
  info.fortran_order = header.fortran_order;
  info.shape = std::move(header.shape);
  name_sizes(info);
  return info;
}

std::string layer_name(int64_t layer) {
  return fmt::format("layer_{}", layer);
}

/// The tensors that are features: the one, or one for each layer.
std::vector<const Tensor*> feature_tensors(const Checkpoint& file) {
  std::vector<const Tensor*> tensors;
  const auto find = [&](const std::string& name) {
    const auto found = file.tensors.find(name);
    if (found != file.tensors.end()) tensors.push_back(&found->second);
    return found != file.tensors.end();
  };
  for (int64_t layer = 1; find(layer_name(layer)); ++layer) {
  }
  if (tensors.empty() && !find("features"))
    fail("it has no features: expected a tensor named features, or layer_1 and following");
  for (const Tensor* tensor : tensors) {
    if (tensor->shape.size() != 2)
      fail("{} has the shape {}, expected [frames, dim]", tensor->name, shape_text(tensor->shape));
    if (tensor->shape != tensors.front()->shape || tensor->type != tensors.front()->type) {
      fail("{} is {} {}, and layer_1 {} {}: expected layers of one shape and type", tensor->name,
           type_name(tensor->type), shape_text(tensor->shape), type_name(tensors.front()->type),
           shape_text(tensors.front()->shape));
    }
  }
  return tensors;
}

bool has_layers(const Checkpoint& file) {
  return file.tensors.contains(layer_name(1));
}

FeatureFileInfo info_of(const Checkpoint& file, std::span<const Tensor* const> tensors) {
  FeatureFileInfo info;
  info.format = FeatureFormat::kSafetensors;
  info.dtype = type_name(tensors.front()->type);
  info.shape = tensors.front()->shape;
  if (has_layers(file)) info.shape.insert(info.shape.begin(), static_cast<int64_t>(tensors.size()));
  name_sizes(info);
  info.metadata = file.metadata;
  return info;
}

/// The number of the array that `layer` is, from 0.
size_t array_of(const FeatureFileInfo& info, std::optional<int64_t> layer) {
  if (info.dim == 0)
    fail("its shape is {}, expected [frames, dim] or [layers, frames, dim]", shape_text(info.shape));
  const bool layered = info.shape.size() == 3;
  if (!layered && layer) fail("layer {} was asked for, and it holds one array of features", *layer);
  if (layered && !layer) fail("it holds {} layers; say which of them to read", info.layers);
  if (layered && (*layer < 1 || *layer > info.layers))
    fail("layer {} was asked for, and it holds {}", *layer, info.layers);
  return layer ? static_cast<size_t>(*layer - 1) : 0;
}

Features read_npy(const fs::path& path, std::optional<int64_t> layer) {
  output::NpyArray array = output::read_npy(path);
  FeatureFileInfo info;
  info.shape = std::move(array.shape);
  name_sizes(info);
  const size_t number = in_context(path, [&] { return array_of(info, layer); });
  Features features{info.frames, info.dim, std::move(array.values)};
  if (layer) {
    const auto count = static_cast<std::ptrdiff_t>(info.frames * info.dim);
    const auto first = features.data.begin() + static_cast<std::ptrdiff_t>(number) * count;
    features.data = std::vector<float>(first, first + count);
  }
  return features;
}

Features read_safetensors(const fs::path& path, std::optional<int64_t> layer) {
  const auto input = std::make_shared<InputFile>(path);
  Checkpoint file;
  const Tensor& tensor = in_context(path, [&]() -> const Tensor& {
    file = checkpoint::read_safetensors(input);
    const std::vector<const Tensor*> tensors = feature_tensors(file);
    return *tensors[array_of(info_of(file, tensors), layer)];
  });
  Features features{tensor.shape[0], tensor.shape[1], {}};
  features.data.resize(static_cast<size_t>(tensor.count()));
  tensor.copy_to(features.data);
  return features;
}

}  // namespace

FeatureFileInfo inspect_features(const fs::path& path, std::optional<FeatureFormat> format) {
  if ((format ? *format : format_at(path)) == FeatureFormat::kNpy) return inspect_npy(path);
  const auto input = std::make_shared<InputFile>(path);
  return in_context(path, [&] {
    const Checkpoint file = checkpoint::read_safetensors(input);
    return info_of(file, feature_tensors(file));
  });
}

Features read_features(const fs::path& path, std::optional<int64_t> layer) {
  return format_at(path) == FeatureFormat::kNpy ? read_npy(path, layer) : read_safetensors(path, layer);
}

}  // namespace contentvec
