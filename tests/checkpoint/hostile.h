#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "allocations.h"
#include "checkpoint/checkpoint.h"
#include "support.h"

namespace contentvec::test {

/// A file that must be refused, and words the refusal must contain.
struct Hostile {
  std::string name;  ///< letters and digits
  std::string bytes;
  std::string expected;
};
inline void PrintTo(const Hostile& hostile, std::ostream* out) {
  *out << hostile.name;
}

/// Opens the bytes as a checkpoint and reads all of its tensors that are float.
void open_and_read(const std::string& bytes);

/// Opens good bytes; the storages outlive the file's name.
checkpoint::Checkpoint open_bytes(const std::string& bytes);

/// Opening (or then reading) throws contentvec::Error that names the file and contains `expected`, and
/// no single allocation on the way was out of proportion to the file.
void expect_refused(const Hostile& hostile);

/// Opening and reading either works or throws contentvec::Error naming the file.
void expect_no_crash(const std::string& bytes);

inline std::string hostile_name(const ::testing::TestParamInfo<Hostile>& info) {
  return info.param.name;
}

}  // namespace contentvec::test
