#include "cli/plot/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace contentvec::cli::plot {
namespace {

/// 0 to 1 by way of black, purple, red, orange and pale yellow.
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

/// "1.5", or "2:30" on an axis of minutes.
std::string time_text(double seconds, bool in_minutes) {
  if (!in_minutes) return fmt::format("{:g}", seconds);
  const auto whole = std::lround(seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// The least of 1, 2 and 5 times a power of ten that is no less.
double round_step(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

void draw_levels(Canvas& canvas, std::span<const float> levels, int64_t columns, int64_t rows,
                 const Rectangle& place) {
  std::vector<uint32_t> pixels;
  pixels.reserve(levels.size());
  for (int64_t row = rows - 1; row >= 0; --row) {
    for (int64_t column = 0; column < columns; ++column)
      pixels.push_back(colour_of(levels[static_cast<size_t>(column * rows + row)]));
  }
  canvas.image(pixels, static_cast<int>(columns), static_cast<int>(rows), place);
}

void draw_spectrogram(Canvas& canvas, const Spectrogram& spectrogram, const Rectangle& place) {
  constexpr double kLeastDistance = 20;
  draw_levels(canvas, spectrogram.levels, spectrogram.columns, spectrogram.rows, place);
  const FrequencyRange& range = spectrogram.range;
  double last = place.bottom() + kLeastDistance;
  for (const double hz :
       {20, 30, 50, 70, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 8000}) {
    const double y = place.bottom() - place.height * range.place_of(hz);
    if (hz < range.lowest || hz > range.highest || last - y < kLeastDistance) continue;
    last = y;
    if (hz > range.lowest) canvas.line({place.left, y}, {place.right(), y}, 1, kGrid);
    draw_tick(canvas, place, y, fmt::format("{:g}", hz));
  }
  draw_label(canvas, place, "frequency (Hz)");
}

void draw_times(Canvas& canvas, const Rectangle& place, double seconds) {
  constexpr double kLeastDistance = 70;
  constexpr std::array<double, 20> kSteps = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1,   2,    5,
                                             10,    20,   30,   60,   120, 300, 600, 900, 1800, 3600};
  const double second = place.width / seconds;
  const auto fits = [&](double candidate) { return candidate * second >= kLeastDistance; };
  const auto found = std::find_if(kSteps.begin(), kSteps.end(), fits);
  const double step = found == kSteps.end() ? 6 * kSteps.back() : *found;
  const bool in_minutes = step >= 30;
  const auto ticks = static_cast<int64_t>(seconds / step + 1e-9);
  for (int64_t tick = 0; tick <= ticks; ++tick) {
    const double at = static_cast<double>(tick) * step;
    const double x = place.left + at * second;
    canvas.line({x, place.bottom()}, {x, place.bottom() + kTickLength}, 1, kInk);
    canvas.text(time_text(at, in_minutes), {x, place.bottom() + kTickLength + kTickSize + 2}, kTickSize,
                Align::kCentre, kInk);
  }
  canvas.text(in_minutes ? "time (min:s)" : "time (s)",
              {place.left + place.width / 2, place.bottom() + kBelow - 12}, kLabelSize, Align::kCentre, kInk);
}

void draw_numbers(Canvas& canvas, const Rectangle& place, double low, double high, const std::string& label) {
  constexpr double kLeastDistance = 40;
  const double step = round_step((high - low) * kLeastDistance / place.height);
  const auto first = static_cast<int64_t>(std::ceil(low / step - 1e-9));
  const auto last = static_cast<int64_t>(std::floor(high / step + 1e-9));
  for (int64_t tick = first; tick <= last; ++tick) {
    const double value = static_cast<double>(tick) * step;
    draw_tick(canvas, place, place.bottom() - place.height * (value - low) / (high - low),
              fmt::format("{:.6g}", value));
  }
  draw_label(canvas, place, label);
}

void draw_tick(Canvas& canvas, const Rectangle& place, double y, const std::string& text) {
  canvas.line({place.left - kTickLength, y}, {place.left, y}, 1, kInk);
  canvas.text(text, {place.left - kTickLength - 4, y + kTickSize / 3}, kTickSize, Align::kRight, kInk);
}

void draw_label(Canvas& canvas, const Rectangle& place, const std::string& label) {
  canvas.vertical_text(label, {place.left - kLeft + 18, place.top + place.height / 2}, kLabelSize, kInk);
}

void draw_title(Canvas& canvas, const Rectangle& place, const std::string& title, double room) {
  canvas.text(title, {place.left, place.top - 14}, kTitleSize, Align::kLeft, kInk, room);
}

}  // namespace contentvec::cli::plot
