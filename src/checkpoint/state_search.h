#pragma once

#include "checkpoint/pickle_value.h"

namespace contentvec::checkpoint {

/// A dictionary of tensors inside a torch file.
struct State {
  const pickle::Dict* tensors;
  const pickle::Dict* parent;  ///< the dictionary around it; null: none
};

/// Finds the state dict to read in the object a torch file was made from.
///
/// It is a dictionary with tensors under names that are text, at the top or up to 8 dictionaries, lists or
/// tuples deep. Where names have "feature_extractor." in them, as in every speech model read here, those
/// dictionaries alone count; else those under a usual name ("model", "state_dict", "model_state_dict",
/// "weights", "weight", "module"), else all. Of what is left the outermost is taken, of several as far out
/// the one whose usual name comes first in this list. A second speech model beside it that this does not tell
/// apart (two unusual names, one name in two places) is refused: each is as likely to be meant.
///
/// Throws Error when there is none, or more than one.
State find_state(const pickle::Values& values);

}  // namespace contentvec::checkpoint
