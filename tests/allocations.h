#pragma once

#include <cstddef>

namespace contentvec::test {

/// Whether operator new is replaced, so that the rest of this file tells anything: not under the sanitizers,
/// which bring their own.
bool allocations_are_counted();
/// Bytes of the largest allocation since the last reset.
size_t largest_allocation();
void reset_largest_allocation();
/// Calls of operator new so far.
size_t allocation_count();

}  // namespace contentvec::test
