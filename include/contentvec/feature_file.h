#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contentvec/export.h"
#include "contentvec/model.h"

namespace contentvec {

/// How features lie in a file. Frames are rows, in C order, whichever it is.
enum class FeatureFormat {
  kNpy,          ///< ".npy", one NumPy array: [frames, dim], or [layers, frames, dim].
  kSafetensors,  ///< ".safetensors": the tensor "features", [frames, dim]; or "layer_1" to "layer_N", each so.
};

/// What FeatureWriter writes besides frames.
struct FeatureFileOptions {
  std::optional<FeatureFormat> format = {};  ///< The one that the path ends as, where it is not set.
  int64_t layers = 0;  ///< 0 writes one array of [frames, dim], and any other number so many; up to 65536.
  std::map<std::string, std::string> metadata = {};  ///< UTF-8; a .npy file has no place for it.
};

/// Writes features, as float32, to a file piece by piece, in any order: those of an hour need not be in
/// memory at once.
///
///   FeatureWriter file("hour.npy", model.config().frames(samples), 768);
///   extract_pieces(model, waveform, stages, {}, {}, [&](int64_t first_frame, std::vector<Features> piece) {
///     file.write(first_frame, piece.front().data);
///   });
///   file.commit();
///
/// The file appears whole, at commit(), or not at all: until then it has a temporary name in the same folder
/// (unfinished_files.h), and whatever was at `path` stays as it was. A device or a pipe, such as /dev/stdout,
/// is written straight through. Not thread-safe; several objects may be used by several threads.
class FeatureWriter {
 public:
  /// Throws Error when the folder does not exist or may not be written to, when the path ends in neither
  /// .npy nor .safetensors and no format is given, for sizes that no file can have, and for metadata that is
  /// no UTF-8.
  CONTENTVEC_API FeatureWriter(const std::filesystem::path& path, int64_t frames, int64_t dim,
                               const FeatureFileOptions& options = {});
  /// Leaves nothing behind where commit() was not called.
  CONTENTVEC_API ~FeatureWriter();
  FeatureWriter(const FeatureWriter&) = delete;
  FeatureWriter& operator=(const FeatureWriter&) = delete;

  /// Writes `rows`, a whole number of frames of dim values, as frames `first_frame` and following; `layer` is
  /// 1 to `layers`. Each frame is to be written once. Throws Error for frames and layers that the file does
  /// not have, when the disk is full or fails, and for a pipe unless the frames come in order.
  CONTENTVEC_API void write(int64_t first_frame, std::span<const float> rows, int64_t layer = 1);

  /// Flushes the file to the disk and gives it its name. Call it once, last. Throws Error when some frames
  /// are missing, or when that fails; what was at the path before is then untouched.
  CONTENTVEC_API void commit();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes features, [frames, dim], in one go, in the format that the path ends as. Throws Error as
/// FeatureWriter does. This function and those below may be called from any number of threads at once.
CONTENTVEC_API void write_features(const std::filesystem::path& path, const Features& features,
                                   const std::map<std::string, std::string>& metadata = {});

/// What a file of features says of itself.
struct FeatureFileInfo {
  FeatureFormat format = FeatureFormat::kNpy;
  std::string dtype;           ///< Of the values: as NumPy has it ("<f4") in a .npy file, else "float32".
  bool fortran_order = false;  ///< The first index runs fastest (.npy).
  /// [dim], [frames, dim] or [layers, frames, dim]; a .npy file may have another.
  std::vector<int64_t> shape;
  int64_t layers = 0;  ///< As in the shape; 0 where it names none.
  int64_t frames = 0;  ///< 1 for [dim].
  int64_t dim = 0;     ///< 0 for another shape.
  /// What a safetensors file says besides, UTF-8; empty for .npy.
  std::map<std::string, std::string> metadata;
};

/// Reads no values, but looks whether the file is as long as it says. `format` is the one it must have;
/// unset, its content says which it is, and where that is neither, the end of its name. Throws Error when it
/// cannot be read, is damaged or too short, holds pickled objects, and for a safetensors file without
/// features (a checkpoint, say) or with layers that differ in shape or type.
CONTENTVEC_API FeatureFileInfo inspect_features(const std::filesystem::path& path,
                                                std::optional<FeatureFormat> format = {});

/// Reads the features of such a file, written by this library or any other: little-endian float16, float32 or
/// float64, in C or Fortran order, or bfloat16 (safetensors). `layer`, from 1, is asked for exactly where the
/// file holds several. Throws Error as inspect_features does, for a layer that is not there, for other types,
/// and for shapes that are none of features.
CONTENTVEC_API Features read_features(const std::filesystem::path& path, std::optional<int64_t> layer = {});

}  // namespace contentvec
