#include "cli/plot/feature_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/plot/axes.h"
#include "cli/plot/canvas.h"

namespace contentvec::cli::plot {
namespace {

// In points.
constexpr double kWidth = 760;
constexpr double kSpectrogramHeight = 200;
constexpr double kMapHeight = 260;
constexpr double kCurveHeight = 200;

constexpr Colour kCosineCurve = {0.10, 0.35, 0.62};
constexpr Colour kPaperGrid = {0, 0, 0, 0.12};

/// Places for panels, one below the other.
class Column {
 public:
  Rectangle next(double height) {
    const Rectangle place = {kLeft, bottom_ + kAbove, kWidth, height};
    bottom_ += height_with_axes(height);
    return place;
  }
  static double height_with_axes(double height) { return kAbove + height + kBelow; }

 private:
  double bottom_ = 0;
};

/// What every figure begins with.
void draw_recording(Canvas& canvas, const Spectrogram& spectrogram, const std::string& title,
                    const Rectangle& place) {
  draw_spectrogram(canvas, spectrogram, place);
  draw_times(canvas, place, spectrogram.seconds);
  draw_title(canvas, place, title, kWidth);
}

/// Cosines between the least of them and 1, as levels. Returns the least.
double spread(std::vector<float>& cosines) {
  constexpr float kLeastRange = 1e-6F;  // of a recording that is all alike
  const float least = std::min(*std::min_element(cosines.begin(), cosines.end()), 1 - kLeastRange);
  for (float& cosine : cosines) cosine = std::clamp((cosine - least) / (1 - least), 0.0F, 1.0F);
  return static_cast<double>(least);
}

void draw_similarities(Canvas& canvas, const FeatureFigure& figure, const Rectangle& place) {
  std::vector<float> cosines = figure.features.similarities();
  const double least = spread(cosines);
  const int64_t columns = figure.features.columns();
  draw_levels(canvas, cosines, columns, columns, place);
  draw_times(canvas, place, figure.spectrogram.seconds);
  draw_numbers(canvas, place, 0, figure.spectrogram.seconds, "time (s)");
  draw_title(canvas, place, fmt::format("cosine of every frame with every other: {:.6g} (dark) to 1", least),
             kWidth);
}

/// How far the cosine of a frame is from 1, on a scale of powers of ten.
class CurveScale {
 public:
  explicit CurveScale(const std::vector<float>& cosines) {
    for (const float cosine : cosines) {
      const double far = exponent_of(cosine);
      lowest_ = std::min(lowest_, static_cast<int>(std::floor(far)));
      highest_ = std::max(highest_, static_cast<int>(std::ceil(far)));
    }
    if (lowest_ >= highest_) lowest_ = highest_ - 1;
  }
  [[nodiscard]] int lowest() const { return lowest_; }
  [[nodiscard]] int highest() const { return highest_; }
  [[nodiscard]] double y_of(double exponent, const Rectangle& place) const {
    return place.bottom() - place.height * (exponent - lowest_) / (highest_ - lowest_);
  }
  /// Float32 does not tell cosines apart that are nearer to 1.
  static double exponent_of(float cosine) {
    constexpr double kLeast = 1e-7;
    return std::log10(std::max(1 - static_cast<double>(cosine), kLeast));
  }

 private:
  int lowest_ = 0;
  int highest_ = -7;
};

void draw_cosines(Canvas& canvas, const ComparisonFigure& figure, const Rectangle& place) {
  const CurveScale scale(figure.cosines);
  for (int exponent = scale.lowest(); exponent <= scale.highest(); ++exponent) {
    const double y = scale.y_of(exponent, place);
    canvas.line({place.left, y}, {place.right(), y}, 1, kPaperGrid);
    draw_tick(canvas, place, y, fmt::format("{:g}", std::pow(10, exponent)));
  }
  std::vector<Point> curve;
  const double frames = static_cast<double>(figure.cosines.size());
  for (const float cosine : figure.cosines) {
    const double x = place.left + place.width * (static_cast<double>(curve.size()) + 0.5) / frames;
    curve.push_back({x, scale.y_of(CurveScale::exponent_of(cosine), place)});
  }
  canvas.polyline(curve, 1.5, kCosineCurve, place);
  draw_times(canvas, place, figure.spectrogram.seconds);
  draw_label(canvas, place, "1 - cosine");
  constexpr double kLine = 16;
  draw_title(canvas, {place.left, place.top - kLine, place.width, place.height}, figure.sides[0], kWidth);
  draw_title(canvas, place, figure.sides[1], kWidth);
}

}  // namespace

std::vector<std::byte> draw(const FeatureFigure& figure, PictureFormat format) {
  const double height = Column::height_with_axes(kSpectrogramHeight) + Column::height_with_axes(kMapHeight) +
                        Column::height_with_axes(kWidth);
  Canvas canvas(kLeft + kWidth + kRight, height, format);
  Column column;
  draw_recording(canvas, figure.spectrogram, figure.title, column.next(kSpectrogramHeight));

  const FeatureMap& features = figure.features;
  const Rectangle map = column.next(kMapHeight);
  draw_levels(canvas, features.levels(), features.columns(), features.dim(), map);
  draw_times(canvas, map, figure.spectrogram.seconds);
  draw_numbers(canvas, map, 0, static_cast<double>(features.dim()), "channel");
  draw_title(canvas, map, "features: each channel, two standard deviations around its mean", kWidth);

  draw_similarities(canvas, figure, column.next(kWidth));
  return canvas.finish();
}

std::vector<std::byte> draw(const ComparisonFigure& figure, PictureFormat format) {
  const double height = Column::height_with_axes(kSpectrogramHeight) + Column::height_with_axes(kCurveHeight);
  Canvas canvas(kLeft + kWidth + kRight, height, format);
  Column column;
  draw_recording(canvas, figure.spectrogram, figure.title, column.next(kSpectrogramHeight));
  draw_cosines(canvas, figure, column.next(kCurveHeight));
  return canvas.finish();
}

}  // namespace contentvec::cli::plot
