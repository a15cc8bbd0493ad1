#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "cli/plot/feature_map.h"
#include "cli/plot/figure.h"
#include "cli/plot/spectrogram.h"

namespace contentvec::cli::plot {

/// A recording's spectrogram, and below it, along the same time, its features and how alike they are.
struct FeatureFigure {
  std::string title;  ///< UTF-8
  Spectrogram spectrogram;
  FeatureMap features;
};

/// A recording's spectrogram, and below it how alike two extractions of it are.
struct ComparisonFigure {
  std::string title;                 ///< of the recording, UTF-8
  std::array<std::string, 2> sides;  ///< what is compared, UTF-8: a line for each
  Spectrogram spectrogram;
  std::vector<float> cosines;  ///< of the two for each frame; a frame stands for an equal part of the time
};

/// The file's content. They throw Error where this build or this machine cannot draw.
std::vector<std::byte> draw(const FeatureFigure& figure, PictureFormat format);
std::vector<std::byte> draw(const ComparisonFigure& figure, PictureFormat format);

}  // namespace contentvec::cli::plot
