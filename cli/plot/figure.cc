#include "cli/plot/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/plot/canvas.h"

namespace contentvec::cli::plot {
namespace {

// In points.
constexpr double kLeft = 72;
constexpr double kRight = 22;
constexpr double kAbove = 40;
constexpr double kBelow = 52;
constexpr double kPanelHeight = 330;
constexpr double kLeastWidth = 900;
constexpr double kMostWidth = 5000;
constexpr double kSecondWidth = 100;
constexpr double kTickSize = 12;
constexpr double kLabelSize = 13;
constexpr double kTitleSize = 14;
constexpr double kTickLength = 5;

constexpr double kF0Seconds = 0.01;

constexpr Colour kInk = {0.13, 0.13, 0.13};
constexpr Colour kGrid = {1, 1, 1, 0.16};
constexpr Colour kCurve = {0.25, 0.95, 1};
constexpr Colour kOutline = {0, 0, 0, 0.75};

double width_for(double seconds) {
  return std::clamp(seconds * kSecondWidth, kLeastWidth, kMostWidth);
}

/// 0 to 1 by way of black, purple, red, orange and pale yellow: ever lighter, so that it is read without colours, too.
uint32_t colour_of(float level) {
  struct Stop {
    float red, green, blue;
  };
  constexpr std::array<Stop, 6> kStops = {{{0.02F, 0.01F, 0.06F},
                                           {0.23F, 0.06F, 0.42F},
                                           {0.55F, 0.13F, 0.50F},
                                           {0.87F, 0.28F, 0.38F},
                                           {0.99F, 0.62F, 0.36F},
                                           {0.99F, 0.98F, 0.75F}}};
  const float place = level * static_cast<float>(kStops.size() - 1);
  const size_t stop = std::min(static_cast<size_t>(place), kStops.size() - 2);
  const float beyond = place - static_cast<float>(stop);
  const auto mix = [&](float from, float to) {
    return static_cast<uint32_t>(std::lround(255 * (from + beyond * (to - from))));
  };
  const Stop& from = kStops[stop];
  const Stop& to = kStops[stop + 1];
  return 0xff000000U | mix(from.red, to.red) << 16 | mix(from.green, to.green) << 8 | mix(from.blue, to.blue);
}

std::vector<uint32_t> pixels_of(const Spectrogram& spectrogram) {
  std::vector<uint32_t> pixels;
  pixels.reserve(spectrogram.levels.size());
  for (int64_t row = spectrogram.rows - 1; row >= 0; --row) {
    for (int64_t column = 0; column < spectrogram.columns; ++column)
      pixels.push_back(colour_of(spectrogram.levels[static_cast<size_t>(column * spectrogram.rows + row)]));
  }
  return pixels;
}

/// "1.5", or "2:30" on an axis of minutes.
std::string time_text(double seconds, bool in_minutes) {
  if (!in_minutes) return fmt::format("{:g}", seconds);
  const auto whole = std::lround(seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
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
    canvas_.image(pixels_of(spectrogram), static_cast<int>(spectrogram.columns),
                  static_cast<int>(spectrogram.rows), place_);
    draw_frequencies();
    draw_times();
    draw_f0();
    draw_title();
  }

 private:
  [[nodiscard]] double x_of(double seconds) const { return place_.left + seconds * second_; }
  [[nodiscard]] double y_of(double hz) const {
    return place_.bottom() - place_.height * panel_.spectrogram.range.place_of(hz);
  }

  void draw_frequencies() {
    constexpr double kLeastDistance = 20;
    const FrequencyRange& range = panel_.spectrogram.range;
    double last = place_.bottom() + kLeastDistance;
    for (const double hz :
         {20, 30, 50, 70, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000}) {
      if (hz < range.lowest || hz > range.highest || last - y_of(hz) < kLeastDistance) continue;
      last = y_of(hz);
      if (hz > range.lowest) canvas_.line({place_.left, last}, {place_.right(), last}, 1, kGrid);
      canvas_.line({place_.left - kTickLength, last}, {place_.left, last}, 1, kInk);
      canvas_.text(fmt::format("{:g}", hz), {place_.left - kTickLength - 4, last + kTickSize / 3}, kTickSize,
                   Align::kRight, kInk);
    }
    canvas_.vertical_text("frequency (Hz)", {place_.left - kLeft + 18, place_.top + place_.height / 2},
                          kLabelSize, kInk);
  }

  void draw_times() {
    constexpr double kLeastDistance = 70;
    constexpr std::array<double, 20> kSteps = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1,   2,    5,
                                               10,    20,   30,   60,   120, 300, 600, 900, 1800, 3600};
    const auto fits = [&](double candidate) { return candidate * second_ >= kLeastDistance; };
    const auto found = std::find_if(kSteps.begin(), kSteps.end(), fits);
    const double step = found == kSteps.end() ? 6 * kSteps.back() : *found;
    const bool in_minutes = step >= 30;
    const auto ticks = static_cast<int64_t>(panel_.spectrogram.seconds / step + 1e-9);
    for (int64_t tick = 0; tick <= ticks; ++tick) {
      const double seconds = static_cast<double>(tick) * step;
      const double x = x_of(seconds);
      canvas_.line({x, place_.bottom()}, {x, place_.bottom() + kTickLength}, 1, kInk);
      canvas_.text(time_text(seconds, in_minutes), {x, place_.bottom() + kTickLength + kTickSize + 2},
                   kTickSize, Align::kCentre, kInk);
    }
    canvas_.text(in_minutes ? "time (min:s)" : "time (s)",
                 {place_.left + place_.width / 2, place_.bottom() + kBelow - 12}, kLabelSize, Align::kCentre,
                 kInk);
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

  void draw_title() {
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
    canvas_.text(panel_.title, {place_.left, y}, kTitleSize, Align::kLeft, kInk, room);
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
