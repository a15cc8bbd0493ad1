#pragma once

#include <array>
#include <string>
#include <vector>

namespace contentvec::checkpoint {

/// Files beside the weights of a Hugging Face model that say what they are and what goes into them.
inline constexpr std::array kBesideWeights = {"config.json", "preprocessor_config.json",
                                              "processor_config.json"};

/// What weights_among() looks for, for people.
inline constexpr const char* kWeightsLookedFor =
    "model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json, "
    "hubert_base.pt, or a single .safetensors, .pt or .pth file";

/// The one that holds the weights among the names of a Hugging Face repository's or directory's files:
/// first what transformers itself looks for, in its order (model.safetensors, its index of shards,
/// pytorch_model.bin, its index), then the only .safetensors file, hubert_base.pt, the only .pt and the only
/// .pth file. Files in folders and hidden ones do not count. Empty where no rule finds any.
[[nodiscard]] std::string weights_among(const std::vector<std::string>& files);

}  // namespace contentvec::checkpoint
