#include "cli/existing.h"

#include <fmt/format.h>

#include <exception>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "output/npy.h"
#include "runtime/fail.h"
#include "runtime/input_file.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;
using checkpoint::shape_text;

/// Throws Error unless the sizes are [frames, dim].
void check_frames(std::span<const int64_t> shape, const Expected& expected) {
  const bool good =
      shape.size() == 2 && shape[0] > 0 && shape[0] % expected.repeat == 0 && shape[1] == expected.dim;
  if (!good) {
    fail("its shape is {}, expected [frames, {}]{}", shape_text(shape), expected.dim,
         expected.repeat > 1 ? fmt::format(" with each frame {} times", expected.repeat) : "");
  }
}

void check_npy(const fs::path& path, const Expected& expected) {
  const output::NpyHeader header = output::read_npy_header(path);
  if (header.descr != "<f4" || header.fortran_order) {
    fail("its type is '{}'{}, expected '<f4'", header.descr, header.fortran_order ? " in Fortran order" : "");
  }
  std::span<const int64_t> shape = header.shape;
  if (expected.arrays > 0) {
    if (shape.size() != 3 || shape[0] != expected.arrays) {
      fail("its shape is {}, expected [{}, frames, {}]", shape_text(shape), expected.arrays, expected.dim);
    }
    shape = shape.subspan(1);
  }
  check_frames(shape, expected);
}

void check_safetensors(const fs::path& path, const Expected& expected) {
  const auto file = checkpoint::read_safetensors(std::make_shared<InputFile>(path));
  const auto check = [&](const std::string& name) {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) fail("it has no tensor {}", name);
    if (found->second.type != checkpoint::ElementType::kF32) {
      fail("{} is {}, expected float32", name, checkpoint::type_name(found->second.type));
    }
    check_frames(found->second.shape, expected);
  };
  if (expected.arrays == 0) return check("features");
  for (int64_t i = 1; i <= expected.arrays; ++i) check(fmt::format("layer_{}", i));
}

}  // namespace

std::string unlike_expected(const fs::path& path, const Expected& expected) {
  try {
    expected.format == Format::kNpy ? check_npy(path, expected) : check_safetensors(path, expected);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace contentvec::cli
