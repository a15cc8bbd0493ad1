#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "contentvec/audio.h"

namespace contentvec::cli {

/// How converted recordings are written.
struct ConvertedFile {
  AudioContainer container = AudioContainer::kWav;
  AudioEncoding encoding = AudioEncoding::kPcm16;
  int rate = 0;                      ///< Hz
  std::optional<int> channels = {};  ///< that one which is there has; empty: any
};

/// Writes one; its name may be kStandardOutput. Throws Error.
void write_converted(const std::filesystem::path& path, std::span<const std::span<const float>> channels,
                     const ConvertedFile& file);

/// Throws Error where what is at `path` is not what a run writes, so that it is to be written anew: a cut or damaged
/// file, another container, encoding, rate or number of channels. FLAC is decoded; what the samples are is not looked
/// at.
void check_existing(const std::filesystem::path& path, const ConvertedFile& expected);

}  // namespace contentvec::cli
