#include "model/found_tensors.h"

#include <utility>

#include "runtime/fail.h"

namespace contentvec::model {
namespace {

/// Whether a tensor is a convolution's weight, whose axes MLX orders differently.
bool is_conv_weight(const std::string& name, const checkpoint::Tensor& tensor) {
  return tensor.shape.size() == 3 &&
         (name.starts_with("feature_extractor.conv_layers.") || name.starts_with("encoder.pos_conv."));
}

}  // namespace

std::vector<int64_t> FoundTensors::shape(const std::string& name) const {
  const auto found = entries.find(name);
  if (found == entries.end()) return {};
  std::vector<int64_t> shape = found->second.tensor.shape;
  if (found->second.channels_last) std::swap(shape[1], shape[2]);
  return shape;
}

FoundTensors find_tensors(const checkpoint::Checkpoint& file, const RecognisedLayout& layout) {
  FoundTensors found;
  for (const auto& [name, tensor] : file.tensors) {
    const NameMeaning meaning = meaning_of(layout, name);
    switch (meaning.kind) {
      case NameMeaning::Kind::kSkipped:
        break;
      case NameMeaning::Kind::kUnknown:
        found.unknown.push_back(name);
        break;
      case NameMeaning::Kind::kUnsupported:
        fail(
            "{}: the model has {} (tensor {}), which this library does not compute (it knows HuBERT, "
            "ContentVec and "
            "wav2vec 2.0 encoders)",
            file.source, meaning.canonical, name);
      case NameMeaning::Kind::kTensor: {
        const bool channels_last = layout.channels_last && is_conv_weight(meaning.canonical, tensor);
        const auto [other, is_new] =
            found.entries.try_emplace(meaning.canonical, Weights::Entry{tensor, channels_last});
        if (!is_new) {
          fail("{}: tensors {} and {} stand for the same weight; expected one of them", file.source,
               other->second.tensor.name, name);
        }
        break;
      }
    }
  }
  // A weight norm's product, where the file keeps it beside its factors, is left over from an earlier moment.
  if (found.has("encoder.pos_conv.0.weight_g")) found.entries.erase("encoder.pos_conv.0.weight");
  return found;
}

}  // namespace contentvec::model
