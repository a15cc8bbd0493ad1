#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/pickle_value.h"
#include "checkpoint/torch_tensor.h"

namespace contentvec::checkpoint {

/// Finds the tensors and the configuration in the object a torch file was made from, whatever its container.
///
/// The tensors come from the first of these that is a dictionary holding at least one: the top level's
/// "model" (fairseq), "state_dict", "model_state_dict", "weights", "weight" (trainers and converters), the
/// top level itself (a bare state dict). Names are taken as they are; entries that are no tensors are passed
/// over, Parameters are the tensor they wrap. The configuration is the top level's "cfg", else "args".
/// Throws Error when there are no tensors, when a name occurs twice, or when a tensor is not sound.
void read_torch_state(const pickle::Values& values, const FindStorage& find, Checkpoint& checkpoint);

}  // namespace contentvec::checkpoint
