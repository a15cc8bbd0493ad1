// Stands in for the figures in a build without Cairo.

#include "cli/plot/feature_figure.h"
#include "cli/plot/figure.h"
#include "contentvec/error.h"

namespace contentvec::cli::plot {

void check_drawing() {
  throw Error(
      "this build cannot draw (CONTENTVEC_PLOT=OFF, or Cairo was not found): leave the picture out, or install Cairo "
      "(Debian and Ubuntu: libcairo2-dev) and build again");
}

std::vector<std::byte> draw(std::span<const Panel> /*panels*/, PictureFormat /*format*/) {
  check_drawing();
  return {};
}

std::vector<std::byte> draw(const FeatureFigure& /*figure*/, PictureFormat /*format*/) {
  check_drawing();
  return {};
}

std::vector<std::byte> draw(const ComparisonFigure& /*figure*/, PictureFormat /*format*/) {
  check_drawing();
  return {};
}

}  // namespace contentvec::cli::plot
