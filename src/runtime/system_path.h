#pragma once

#include <string>

#include "runtime/fail.h"

namespace contentvec {

/// A path as the system's functions take it. They end it at a NUL byte, and would open another file than the
/// one that is named: Throws Error where there is one.
inline const char* system_path(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    fail("no file can have the path that begins with {}: a NUL byte follows there; check where it comes from",
         path.c_str());
  return path.c_str();
}

}  // namespace contentvec
