#include "checkpoint/unknown_file.h"

#include <string>
#include <string_view>

#include "checkpoint/text.h"
#include "runtime/foreign_file.h"

namespace contentvec::checkpoint {
namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view advice) {
  fail("expected a checkpoint (safetensors, or what torch.save writes), found {}; {}", what, advice);
}

/// The files that may hold a model all the same, or belong to another option.
[[noreturn]] void refuse(const ForeignFile& file) {
  const std::string what(file.what);
  switch (file.kind) {
    case ForeignKind::kTar:
      refuse(what + ", perhaps one that torch wrote before 0.1.10",
             "unpack it, or load and save it again with torch 0.4 to 2");
    case ForeignKind::kIndex:
      refuse(what, "it goes to --index (Python: Retriever), and the model's checkpoint here");
    case ForeignKind::kModel:
      refuse(what, what == "an ONNX model" ? "use the checkpoint it was exported from"
                                           : "convert it to one of these first");
    case ForeignKind::kArray:
      refuse(what, "convert it to one of these first");
    case ForeignKind::kPickle:
      refuse(what + " that torch.save did not write", "load it in Python and torch.save it");
    default:
      refuse(what, file.remedy.empty() ? "give a checkpoint" : file.remedy);
  }
}

}  // namespace

void refuse_unknown_file(std::span<const std::byte> beginning, uint64_t size) {
  const std::string_view text = as_text(beginning);
  if (text.empty()) refuse("an empty file", "download or copy it again");
  if (const auto foreign = recognise_foreign_file(text)) refuse(*foreign);
  refuse(fmt::format("{} bytes that begin with {}", size, quote(text.substr(0, 16))), "give a checkpoint");
}

}  // namespace contentvec::checkpoint
