// Stands in for torch's formats in a build that leaves them out: checkpoints are safetensors.

#include "checkpoint/cluster_centres.h"
#include "checkpoint/packed_file.h"
#include "checkpoint/text.h"
#include "checkpoint/torch_legacy.h"
#include "checkpoint/torch_zip.h"
#include "checkpoint/wheel.h"
#include "runtime/fail.h"

namespace contentvec::checkpoint {
namespace {

[[noreturn]] void fail_absent() {
  fail(
      "it is what torch.save writes, and this build leaves out torch's formats (CONTENTVEC_TORCH=OFF). "
      "Convert it to safetensors with `contentvec export` of a whole build, or build again with "
      "-DCONTENTVEC_TORCH=ON");
}

}  // namespace

bool is_zip(std::span<const std::byte> bytes) {
  return as_text(bytes).starts_with("PK");
}

bool is_torch_legacy(std::span<const std::byte> bytes) {
  return as_text(bytes).starts_with("\x80");  // any pickle
}

Checkpoint read_torch_zip(const std::shared_ptr<const InputFile>& /*file*/) {
  fail_absent();
}

Checkpoint read_torch_legacy(const std::shared_ptr<const InputFile>& /*file*/) {
  fail_absent();
}

/// Wheels are zip files, and what packages carry torch's: opening it as a checkpoint says so.
std::optional<Checkpoint> open_in_package(const std::filesystem::path& /*path*/,
                                          const std::string& /*entry*/) {
  return std::nullopt;
}

/// Nothing is looked for in zip files.
bool is_packed(const std::string& /*path*/) {
  return false;
}

bool has_packed(const std::string& /*path*/) {
  return false;
}

void check_packed(const std::string& /*path*/) {}

std::shared_ptr<const InputFile> open_input_file(const std::string& path) {
  return std::make_shared<const InputFile>(path);
}

std::optional<std::vector<std::string>> packed_files(const std::filesystem::path& /*path*/) {
  return std::nullopt;
}

CentreRows read_joblib_centres(std::span<const std::byte> /*file*/) {
  fail("a pickle, and this build reads none (CONTENTVEC_TORCH=OFF); give the centres as a .npy file");
}

std::vector<std::byte> npz_entry(const std::filesystem::path& /*path*/, std::string_view /*name*/,
                                 uint64_t /*most*/) {
  fail(
      "it is a zip file, and this build reads none (CONTENTVEC_TORCH=OFF); convert it: numpy.save(\"km.npy\", "
      "numpy.load(\"km.npz\")[\"centres\"])");
}

std::vector<std::byte> npz_of(std::string_view /*name*/, std::span<const std::byte> /*npy*/) {
  fail("cannot write an .npz file: this build has no zip files (CONTENTVEC_TORCH=OFF)");
}

}  // namespace contentvec::checkpoint
