#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "contentvec/model.h"

namespace contentvec::hubert {

/// A layout recognised in a checkpoint, and where the model's tensors are in it. Layout::kFairseq's names are
/// the canonical ones inside this library.
struct RecognisedLayout {
  Layout layout = Layout::kFairseq;
  std::string prefix;          ///< before every name of the model, e.g. "hubert."; may be empty
  bool channels_last = false;  ///< convolution weights are (out, kernel, in), as MLX stores them
  bool layer_norm_frontend = false;
  bool pos_conv_batch_norm = false;  ///< before the positional convolution
};

/// Takes the components out of tensors' names that programs put in when they wrap a module and that are no
/// part of the model's: torch.compile's `_orig_mod`, FSDP's and activation checkpointing's. Throws Error when
/// two tensors then have one name.
void strip_wrappers(checkpoint::Checkpoint& file);

/// Finds the model in a checkpoint by its first convolution. Throws Error when there is none or more than
/// one.
RecognisedLayout recognise_layout(const checkpoint::Checkpoint& file);

/// What a name in the file is to the model.
struct NameMeaning {
  enum class Kind {
    kTensor,       ///< the tensor `canonical`
    kSkipped,      ///< known, and not needed for inference
    kUnsupported,  ///< part of something this library does not compute; `canonical` says what
    kUnknown,
  };
  Kind kind = Kind::kUnknown;
  std::string canonical;
};
NameMeaning meaning_of(const RecognisedLayout& layout, std::string_view name);

/// A canonical name in another layout (without prefix), `pos_conv_batch_norm` as in RecognisedLayout.
std::string name_in_layout(Layout layout, std::string_view canonical, bool pos_conv_batch_norm = false);

}  // namespace contentvec::hubert
