#include "hubert/found_tensors.h"

#include <array>
#include <utility>

#include "runtime/fail.h"
#include "tensors/axes.h"

namespace contentvec::hubert {
namespace {

/// (out, kernel, in) as (out, in, kernel).
constexpr std::array<size_t, 3> kChannelsFirst = {0, 2, 1};

/// Whether a tensor is a convolution's weight, whose axes MLX orders differently.
bool is_conv_weight(const std::string& name, const checkpoint::Tensor& tensor) {
  return tensor.shape.size() == 3 &&
         (name.starts_with("feature_extractor.conv_layers.") || name.starts_with("encoder.pos_conv."));
}

/// What a tensor is in canonical form: itself, or its thirds where it holds q, k and v of a block one after
/// the other, as torch's MultiheadAttention keeps them.
std::vector<std::pair<std::string, checkpoint::Tensor>> canonical_parts(const std::string& canonical,
                                                                        const checkpoint::Tensor& tensor) {
  const size_t at = canonical.find(".in_proj_");
  if (at == std::string::npos || tensor.shape.empty() || tensor.shape.front() % 3 != 0)
    return {{canonical, tensor}};
  std::vector<std::pair<std::string, checkpoint::Tensor>> parts;
  for (const char* part : {".q_proj.", ".k_proj.", ".v_proj."}) {
    checkpoint::Tensor third = tensor;
    third.shape.front() /= 3;
    third.offset += static_cast<int64_t>(parts.size()) * third.shape.front() * third.strides.front();
    parts.emplace_back(
        canonical.substr(0, at) + part + canonical.substr(at + std::string_view(".in_proj_").size()),
        std::move(third));
  }
  return parts;
}

}  // namespace

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
            "ContentVec and wav2vec 2.0 encoders)",
            file.source, meaning.canonical, name);
      case NameMeaning::Kind::kTensor: {
        const bool channels_last = layout.channels_last && is_conv_weight(meaning.canonical, tensor);
        for (const auto& [canonical, part] : canonical_parts(meaning.canonical, tensor)) {
          const checkpoint::Tensor* other =
              found.tensors.add(canonical, channels_last ? tensors::permuted(part, kChannelsFirst) : part);
          if (other != nullptr) {
            fail("{}: tensors {} and {} stand for the same weight; expected one of them", file.source,
                 other->name, name);
          }
        }
        break;
      }
    }
  }
  // A weight norm's product, where the file keeps it beside its factors, is left over from an earlier moment.
  for (const char* conv : {"encoder.pos_conv.0.weight", "encoder.pos_conv.1.weight"}) {
    if (found.has(std::string(conv) + "_g")) found.tensors.erase(conv);
  }
  return found;
}

}  // namespace contentvec::hubert
