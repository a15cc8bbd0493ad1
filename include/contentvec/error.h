#pragma once

#include <stdexcept>
#include <string>

#include "contentvec/export.h"

namespace contentvec {

/// The one exception this library throws on purpose. Its text says what was being done, what was expected,
/// what was found and what to do about it; it is meant to be shown to a user as it is. std::bad_alloc may
/// pass through as well when memory runs out, and what a caller's own callback throws.
class CONTENTVEC_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace contentvec
