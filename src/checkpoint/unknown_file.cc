#include "checkpoint/unknown_file.h"

#include <array>
#include <string_view>

#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

using namespace std::string_view_literals;

struct Look {
  size_t at;
  std::string_view bytes;
  std::string_view what;
  std::string_view advice;
};

constexpr std::string_view kConvert = "convert it to one of these first";
constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kFetch = "download the checkpoint itself";
constexpr std::string_view kOther = "give a checkpoint";

// The first that fits counts.
constexpr std::array kLooks = {
    Look{0, "version https://git-lfs"sv, "a Git LFS pointer, not the file it stands for", "run git lfs pull"},
    Look{257, "ustar"sv, "a tar archive, perhaps one that torch wrote before 0.1.10",
         "unpack it, or load and save it again with torch 0.4 to 2"},
    Look{0, "<"sv, "a web page (HTML or XML)", kFetch},
    Look{0, "{"sv, "JSON text", kFetch},
    Look{0, "\x89HDF\r\n"sv, "an HDF5 file (Keras)", kConvert},
    Look{0, "GGUF"sv, "a GGUF file", kConvert},
    Look{0, "ggml"sv, "a GGML file", kConvert},
    Look{4, "TFL3"sv, "a TensorFlow Lite model", kConvert},
    Look{0, "\x93NUMPY"sv, "a NumPy array", kConvert},
    Look{0, "Iw"sv, "an index of FAISS",
         "it goes to --index (Python: Retriever), and the model's checkpoint here"},
    Look{0, "Ix"sv, "an index of FAISS",
         "it goes to --index (Python: Retriever), and the model's checkpoint here"},
    Look{0, "RIFF"sv, "a WAV sound file", kOther},
    Look{0, "fLaC"sv, "a FLAC sound file", kOther},
    Look{0, "OggS"sv, "an Ogg sound file", kOther},
    Look{0, "ID3"sv, "an MP3 sound file", kOther},
    Look{0, "\x1f\x8b"sv, "a gzip archive", kUnpack},
    Look{0, "BZh"sv, "a bzip2 archive", kUnpack},
    Look{0, "\xfd\x37zXZ"sv, "an xz archive", kUnpack},
    Look{0, "7z\xbc\xaf"sv, "a 7z archive", kUnpack},
    Look{0, "Rar!"sv, "a RAR archive", kUnpack},
    Look{0, "\x28\xb5\x2f\xfd"sv, "a Zstandard archive", kUnpack},
    Look{0,
         "\x7f"
         "ELF"sv,
         "a program", kOther},
    Look{0, "\x80"sv, "a Python pickle that torch.save did not write", "load it in Python and torch.save it"},
};

[[noreturn]] void refuse(std::string_view what, std::string_view advice) {
  fail("expected a checkpoint (safetensors, or what torch.save writes), found {}; {}", what, advice);
}

/// ONNX has no magic number: a protocol buffer whose first field is a small version, then a text.
bool looks_like_onnx(std::string_view text) {
  return text.size() > 3 && text[0] == '\x08' && text[1] > 0 && text[1] < 32 &&
         (text[2] == '\x12' || text[2] == ':');
}

}  // namespace

void refuse_unknown_file(std::span<const std::byte> beginning, uint64_t size) {
  const std::string_view text = as_text(beginning);
  if (text.empty()) refuse("an empty file", "download or copy it again");
  const size_t start = text.find_first_not_of(" \t\r\n");  // of a text
  for (const Look& look : kLooks) {
    const bool markup = look.bytes == "<"sv || look.bytes == "{"sv;
    const size_t at = markup && start != std::string_view::npos ? start : look.at;
    if (text.size() >= at && text.substr(at).starts_with(look.bytes)) refuse(look.what, look.advice);
  }
  if (looks_like_onnx(text)) refuse("an ONNX model", "use the checkpoint it was exported from");
  refuse(fmt::format("{} bytes that begin with {}", size, quote(text.substr(0, 16))), kOther);
}

}  // namespace contentvec::checkpoint
