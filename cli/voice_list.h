#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "contentvec/voice.h"

namespace contentvec::cli {

/// A file that may be a voice: it is one, or why it is none.
struct ListedVoice {
  std::filesystem::path path;
  std::optional<VoiceInfo> info;
  std::optional<std::string> index;  ///< for Retriever::open()
  std::string why;
};

struct VoiceList {
  std::vector<ListedVoice> files;     ///< the voices first, then the others; each in the order of their paths
  std::vector<std::string> problems;  ///< folders that could not be listed
};

/// Looks below a folder, and opens what has a voice's name. An index is the one named after a voice, or the one beside
/// it. Folders behind links are not gone into. `rate`: Hz, of training checkpoints, which do not say.
VoiceList list_voices(const std::filesystem::path& folder, std::optional<int> rate = {});

}  // namespace contentvec::cli
