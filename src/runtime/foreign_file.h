#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace contentvec {

enum class ForeignKind {
  kPointer,
  kPage,
  kZip,
  kTar,
  kArchive,
  kArray,
  kIndex,
  kModel,
  kPickle,
  kSound,
  kPicture,
  kDocument,
  kProgram
};

/// A file that is not of the kind that was asked for.
struct ForeignFile {
  ForeignKind kind;
  std::string_view what;    ///< "a web page (HTML or XML)"
  std::string_view remedy;  ///< what to do with it, whatever was asked for: "unpack it"; or ""
  bool sure;                ///< more than a byte or two say so
};

/// Bytes at a file's beginning that are looked at.
inline constexpr size_t kForeignBeginning = 512;

/// What people give where an audio file, a checkpoint or an index belongs: the one list of these for all
/// readers, each of which asks when it does not know a file itself. `beginning`: so many bytes of the
/// file, or all of a smaller one's.
std::optional<ForeignFile> recognise_foreign_file(std::string_view beginning);

}  // namespace contentvec
