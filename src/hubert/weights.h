#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tensor.h"
#include "contentvec/config.h"

namespace contentvec::hubert {

/// One tensor the model needs, by its canonical (fairseq) name.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
};

/// Of the BatchNorm before the positional convolution, where there is one: fairseq numbers both.
inline constexpr const char* kPosConvBatchNorm = "encoder.pos_conv.0.running_mean";
/// Names of the positional convolution's tensors up to the last dot.
inline std::string pos_conv_name(const ModelConfig& config) {
  return config.conv_pos_batch_norm ? "encoder.pos_conv.1" : "encoder.pos_conv.0";
}

/// Forms a file may give the same model in.
struct TensorForms {
  bool weight_norm =
      true;  ///< positional convolution as weight_g and weight_v; false: already multiplied out
  bool projection =
      true;  ///< there is a feature projection though conv width equals model width would need none
};

/// Every tensor that inference of `config` reads, in the order of the forward pass.
std::vector<TensorSpec> tensor_table(const ModelConfig& config, const TensorForms& forms);

/// The weights of a model: a complete set of tensors under canonical names, checked against the tensor table.
/// Values are read from the checkpoint when asked for and not kept, so that a caller which packs them as it
/// goes holds little.
class Weights {
 public:
  struct Entry {
    checkpoint::Tensor tensor;
    bool channels_last =
        false;  ///< stored (out, kernel, in), as MLX does, where canonical is (out, in, kernel)
  };

  Weights(ModelConfig config, TensorForms forms, std::map<std::string, Entry> entries);

  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] const TensorForms& forms() const { return forms_; }
  [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }
  [[nodiscard]] bool has(const std::string& name) const { return entries_.contains(name); }
  /// Elements of all tensors.
  [[nodiscard]] int64_t parameters() const;

  /// Values in C order of the canonical shape. Throws Error when the tensor is damaged or holds a non-finite
  /// value.
  [[nodiscard]] std::vector<float> read(const std::string& name) const;
  /// The same into memory of the caller's, which must hold exactly as many.
  void read_into(const std::string& name, std::span<float> values) const;
  /// The positional convolution's weight [width, width / groups, kernel] with its weight norm multiplied out:
  /// g v / ||v||, the norm over all but the kernel axis (fairseq's dim=2), in double.
  [[nodiscard]] std::vector<float> read_pos_conv() const;
  /// The BatchNorm before the positional convolution, which with the statistics of training is
  /// scale (x - mean) + shift per channel; all empty when the model has none.
  struct BatchNorm {
    std::vector<float> mean;
    std::vector<float> scale;
    std::vector<float> shift;
  };
  [[nodiscard]] BatchNorm read_batch_norm() const;

 private:
  ModelConfig config_;
  TensorForms forms_;
  std::map<std::string, Entry> entries_;
};

/// The norm of each tap of a positional convolution's weight [out, in, kernel] over out and in: weight norm's
/// denominator, and the weight_g that goes with the weight itself as weight_v.
std::vector<double> tap_norms(const std::vector<float>& weight, int64_t kernel);

}  // namespace contentvec::hubert
