#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "contentvec/audio.h"

namespace contentvec::cli {

/// How converted recordings are written.
struct ConvertedFile {
  AudioContainer container = AudioContainer::kWav;
  AudioEncoding encoding = AudioEncoding::kPcm16;
  int rate = 0;  ///< Hz
};

/// Writes one; its name may be kStandardOutput. Throws Error.
void write_converted(const std::filesystem::path& path, std::span<const std::span<const float>> channels,
                     const ConvertedFile& file);

/// Why what is at `path` is not what a run writes, so that it is to be written anew, or "": a cut or damaged file,
/// another container, encoding or rate. Samples are not looked at.
std::string unlike_expected(const std::filesystem::path& path, const ConvertedFile& expected);

}  // namespace contentvec::cli
