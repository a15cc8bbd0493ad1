#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/file_info.h"
#include "contentvec/voice.h"

namespace contentvec::cli {

/// What a voice's file says: for programs, and line by line for people.
FileInfo describe_voice(const VoiceInfo& info, const std::optional<std::string>& index);

/// Epochs of training, where the file says them: a number of RVC's, Applio's or a training checkpoint's.
std::optional<int64_t> epochs_of(const VoiceInfo& info);

/// The library asks for a training checkpoint's rate by its own name for it; here `option` gives it.
std::string with_rate_option(std::string text, std::string_view option);

/// What somebody wrote, on one line: control characters become spaces.
std::string on_one_line(std::string text);

}  // namespace contentvec::cli
