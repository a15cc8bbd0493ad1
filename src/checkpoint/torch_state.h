#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/pickle_value.h"
#include "checkpoint/torch_tensor.h"

namespace contentvec::checkpoint {

/// Finds the tensors and what is said beside them in the object a torch file was made from, whatever its container.
///
/// The tensors come from one dictionary, which find_state() chooses.
/// Names are taken as they are; entries that are no tensors are passed over, Parameters are the tensor they
/// wrap. What else the file says goes to the checkpoint's `entries`.
///
/// Throws Error when there are no tensors, when a name occurs twice, when a tensor is not sound, or when all
/// together, or their storages, are more than 4 times as large as the file, whose size is `file_bytes`.
void read_torch_state(const pickle::Values& values, uint64_t file_bytes, const FindStorage& find,
                      Checkpoint& checkpoint);

}  // namespace contentvec::checkpoint
