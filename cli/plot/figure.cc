#include "cli/plot/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/plot/axes.h"
#include "cli/plot/canvas.h"

namespace contentvec::cli::plot {
namespace {

// In points.
constexpr double kPanelHeight = 330;
constexpr double kLeastWidth = 900;
constexpr double kMostWidth = 5000;
constexpr double kSecondWidth = 100;

constexpr double kF0Seconds = 0.01;

constexpr Colour kCurve = {0.25, 0.95, 1};
constexpr Colour kOutline = {0, 0, 0, 0.75};

double width_for(double seconds) {
  return std::clamp(seconds * kSecondWidth, kLeastWidth, kMostWidth);
}

/// Draws one panel into its place.
class PanelDrawing {
 public:
  PanelDrawing(Canvas& canvas, const Panel& panel, const Rectangle& place, double seconds_width)
      : canvas_(canvas),
        panel_(panel),
        place_{place.left, place.top, panel.spectrogram.seconds * seconds_width, place.height},
        whole_width_(place.width),
        second_(seconds_width) {}

  void draw() {
    const Spectrogram& spectrogram = panel_.spectrogram;
    draw_spectrogram(canvas_, spectrogram, place_);
    draw_times(canvas_, place_, spectrogram.seconds);
    draw_f0();
    draw_caption();
  }

 private:
  [[nodiscard]] double x_of(double seconds) const { return place_.left + seconds * second_; }
  [[nodiscard]] double y_of(double hz) const {
    return place_.bottom() - place_.height * panel_.spectrogram.range.place_of(hz);
  }

  /// The outlines first, so that none lies over a line.
  void draw_f0() {
    const std::vector<std::vector<Point>> lines = voiced_lines();
    for (const auto& line : lines) canvas_.polyline(line, 5, kOutline, place_);
    for (const auto& line : lines) canvas_.polyline(line, 2.2, kCurve, place_);
  }

  /// A line for each voiced stretch. Where many frames share a point's width, their lowest and highest stand for them.
  [[nodiscard]] std::vector<std::vector<Point>> voiced_lines() const {
    const std::vector<float>& f0 = panel_.f0;
    const size_t group = std::max<size_t>(1, static_cast<size_t>(1 / (second_ * kF0Seconds)));
    std::vector<std::vector<Point>> lines(1);
    for (size_t begin = 0; begin < f0.size(); begin += group) {
      const size_t end = std::min(begin + group, f0.size());
      float low = 0;
      float high = 0;
      for (size_t frame = begin; frame < end; ++frame) {
        if (!(f0[frame] > 0)) continue;
        low = low > 0 ? std::min(low, f0[frame]) : f0[frame];
        high = std::max(high, f0[frame]);
      }
      const double x = x_of(static_cast<double>(begin + end - 1) / 2 * kF0Seconds);
      if (low > 0) lines.back().push_back({x, y_of(static_cast<double>(low))});
      if (high > low) lines.back().push_back({x, y_of(static_cast<double>(high))});
      if (!(low > 0) && !lines.back().empty()) lines.emplace_back();
    }
    return lines;
  }

  void draw_caption() {
    const double y = place_.top - 14;
    const double right = place_.left + whole_width_;
    double room = whole_width_;
    if (!panel_.f0.empty()) {
      constexpr double kLegend = 230;
      room -= kLegend + 40;
      canvas_.text(panel_.f0_label, {right, y}, kLabelSize, Align::kRight, kInk, kLegend - 40);
      const Rectangle everywhere = {0, 0, right + kRight, y + 20};
      const std::vector<Point> sample = {{right - kLegend, y - 4}, {right - kLegend + 26, y - 4}};
      canvas_.polyline(sample, 5, kOutline, everywhere);
      canvas_.polyline(sample, 2.2, kCurve, everywhere);
    }
    draw_title(canvas_, place_, panel_.title, room);
  }

  Canvas& canvas_;
  const Panel& panel_;
  Rectangle place_;
  double whole_width_;
  double second_;  ///< points
};

}  // namespace

void check_drawing() {
  cairo_library();
}

std::vector<std::byte> draw(std::span<const Panel> panels, PictureFormat format) {
  double seconds = 0.01;
  for (const Panel& panel : panels) seconds = std::max(seconds, panel.spectrogram.seconds);
  const double width = width_for(seconds);
  const double height = kAbove + kPanelHeight + kBelow;
  Canvas canvas(kLeft + width + kRight, height * static_cast<double>(panels.size()), format);
  for (size_t i = 0; i < panels.size(); ++i) {
    const Rectangle place = {kLeft, static_cast<double>(i) * height + kAbove, width, kPanelHeight};
    PanelDrawing(canvas, panels[i], place, width / seconds).draw();
  }
  return canvas.finish();
}

}  // namespace contentvec::cli::plot
