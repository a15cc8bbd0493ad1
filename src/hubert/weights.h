#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "contentvec/config.h"
#include "tensors/named_tensors.h"

namespace contentvec::hubert {

/// Of the BatchNorm before the positional convolution, where there is one: fairseq numbers both.
inline constexpr const char* kPosConvBatchNorm = "encoder.pos_conv.0.running_mean";
/// Names of the positional convolution's tensors up to the last dot.
inline std::string pos_conv_name(const ModelConfig& config) {
  return config.conv_pos_batch_norm ? "encoder.pos_conv.1" : "encoder.pos_conv.0";
}

/// Forms a file may give the same model in.
struct TensorForms {
  /// The positional convolution comes as weight_g and weight_v, and not multiplied out.
  bool weight_norm = true;
  /// There is a feature projection, even where the convolutions are as wide as the model and need none.
  bool projection = true;
};

/// Every tensor that inference of `config` reads, in the order of the forward pass.
std::vector<tensors::TensorSpec> tensor_table(const ModelConfig& config, const TensorForms& forms);

/// The weights of a model: a complete set of tensors under canonical names, checked against the tensor table.
class Weights {
 public:
  Weights(ModelConfig config, TensorForms forms, tensors::NamedTensors tensors);

  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] const TensorForms& forms() const { return forms_; }
  [[nodiscard]] const tensors::NamedTensors& named() const { return tensors_; }
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.has(name); }

  /// As NamedTensors does.
  [[nodiscard]] std::vector<float> read(const std::string& name) const { return tensors_.read(name); }
  void read_into(const std::string& name, std::span<float> values) const { tensors_.read_into(name, values); }
  /// The positional convolution's weight [width, width / groups, kernel] with its weight norm multiplied out,
  /// which is along the kernel (fairseq's dim=2).
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
  tensors::NamedTensors tensors_;
};

/// The axis of the positional convolution's weight that its weight norm is along: the kernel.
inline constexpr size_t kPosConvNormAxis = 2;

}  // namespace contentvec::hubert
