#include "runtime/foreign_file.h"

#include <algorithm>
#include <array>

namespace contentvec {
namespace {

using namespace std::string_view_literals;

struct Magic {
  size_t at;
  std::string_view bytes;
  ForeignKind kind;
  std::string_view what;
};

// The first that fits counts.
constexpr auto kBinary = std::to_array<Magic>({
    {257, "ustar"sv, ForeignKind::kTar, "a tar archive"},
    {0, "PK\x03\x04"sv, ForeignKind::kZip, "a zip archive"},
    {0, "\x1f\x8b"sv, ForeignKind::kArchive, "a gzip archive"},
    {0, "BZh"sv, ForeignKind::kArchive, "a bzip2 archive"},
    {0, "\xfd\x37zXZ"sv, ForeignKind::kArchive, "an xz archive"},
    {0, "7z\xbc\xaf"sv, ForeignKind::kArchive, "a 7z archive"},
    {0, "Rar!"sv, ForeignKind::kArchive, "a RAR archive"},
    {0, "\x28\xb5\x2f\xfd"sv, ForeignKind::kArchive, "a Zstandard archive"},
    {0, "\x93NUMPY"sv, ForeignKind::kArray, "a NumPy array"},
    {0, "Iw"sv, ForeignKind::kIndex, "an index of FAISS"},
    {0, "Ix"sv, ForeignKind::kIndex, "an index of FAISS"},
    {0, "\x89HDF\r\n"sv, ForeignKind::kModel, "an HDF5 file (Keras)"},
    {0, "GGUF"sv, ForeignKind::kModel, "a GGUF file"},
    {0, "ggml"sv, ForeignKind::kModel, "a GGML file"},
    {4, "TFL3"sv, ForeignKind::kModel, "a TensorFlow Lite model"},
    {8, "{\""sv, ForeignKind::kModel, "a safetensors file"},
    {8, "WAVE"sv, ForeignKind::kSound, "a WAV sound file"},
    {0, "fLaC"sv, ForeignKind::kSound, "a FLAC sound file"},
    {0, "OggS"sv, ForeignKind::kSound, "an Ogg sound file"},
    {0, "ID3"sv, ForeignKind::kSound, "an MP3 sound file"},
    {0, "\x89PNG"sv, ForeignKind::kPicture, "a picture"},
    {0, "\xff\xd8\xff"sv, ForeignKind::kPicture, "a picture"},
    {0, "GIF8"sv, ForeignKind::kPicture, "a picture"},
    {8, "WEBP"sv, ForeignKind::kPicture, "a picture"},
    {0, "%PDF"sv, ForeignKind::kDocument, "a PDF"},
    {0,
     "\x7f"
     "ELF"sv,
     ForeignKind::kProgram, "a program"},
    {0, "\x80"sv, ForeignKind::kPickle, "a Python pickle"},
});

// What may stand behind white space and the mark that some editors put first.
constexpr auto kText = std::to_array<Magic>({
    {0, "version https://git-lfs"sv, ForeignKind::kPointer, "a Git LFS pointer, not the file it stands for"},
    {0, "<"sv, ForeignKind::kPage, "a web page (HTML or XML)"},
    {0, "{"sv, ForeignKind::kPage, "JSON text"},
});

template <size_t Count>
const Magic* find_in(const std::array<Magic, Count>& magics, std::string_view text) {
  const auto found = std::find_if(magics.begin(), magics.end(), [&](const Magic& magic) {
    return text.size() >= magic.at && text.substr(magic.at).starts_with(magic.bytes);
  });
  return found == magics.end() ? nullptr : &*found;
}

std::string_view without_space(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

/// ONNX has no magic number: a protocol buffer whose first field is a small version, then a text.
bool looks_like_onnx(std::string_view text) {
  return text.size() > 3 && text[0] == '\x08' && text[1] > 0 && text[1] < 32 &&
         (text[2] == '\x12' || text[2] == ':');
}

std::string_view remedy_for(ForeignKind kind) {
  switch (kind) {
    case ForeignKind::kPointer:
      return "run git lfs pull";
    case ForeignKind::kPage:
      return "download the file itself";
    case ForeignKind::kZip:
    case ForeignKind::kTar:
    case ForeignKind::kArchive:
      return "unpack it";
    default:
      return "";
  }
}

}  // namespace

std::optional<ForeignFile> recognise_foreign_file(std::string_view beginning) {
  const Magic* found = find_in(kBinary, beginning);
  if (found == nullptr) found = find_in(kText, without_space(beginning));
  if (found != nullptr)
    return ForeignFile{found->kind, found->what, remedy_for(found->kind), found->bytes.size() > 2};
  if (looks_like_onnx(beginning)) return ForeignFile{ForeignKind::kModel, "an ONNX model", "", false};
  return std::nullopt;
}

}  // namespace contentvec
