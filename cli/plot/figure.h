#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cli/plot/spectrogram.h"

namespace contentvec::cli::plot {

/// One recording: its spectrogram, and its pitch over it.
struct Panel {
  std::string title;  ///< UTF-8
  Spectrogram spectrogram;
  std::vector<float> f0 = {};  ///< Hz for each 10 ms; 0 where unvoiced, which is a gap; empty: none is drawn
  std::string f0_label = {};   ///< UTF-8
};

enum class PictureFormat { kPng, kSvg };

/// A picture of the panels, one below the other, each with its axes: seconds and Hz. All have the same
/// scale of time. Returns the file's content. Throws Error where this build or this machine cannot draw.
std::vector<std::byte> draw(std::span<const Panel> panels, PictureFormat format);

/// Throws what draw() would throw where this build or this machine cannot draw: for a word before the work.
void check_drawing();

}  // namespace contentvec::cli::plot
