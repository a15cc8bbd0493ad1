#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cli/plot/canvas.h"
#include "cli/plot/spectrogram.h"

namespace contentvec::cli::plot {

// What every picture has in common. Lengths are points.

inline constexpr double kLeft = 72;   ///< room for the axis on the left of a panel
inline constexpr double kRight = 22;  ///< room on its right
inline constexpr double kAbove = 40;  ///< room for its title
inline constexpr double kBelow = 52;  ///< room for the axis of time
inline constexpr double kTickSize = 12;
inline constexpr double kLabelSize = 13;
inline constexpr double kTitleSize = 14;
inline constexpr double kTickLength = 5;

inline constexpr Colour kInk = {0.13, 0.13, 0.13};
inline constexpr Colour kGrid = {1, 1, 1, 0.16};

/// Levels of 0 to 1, [columns, rows], the lowest row first, from dark to light: ever lighter, so that the picture is
/// read without colours, too.
void draw_levels(Canvas& canvas, std::span<const float> levels, int64_t columns, int64_t rows,
                 const Rectangle& place);

/// A spectrogram with its axis of frequencies.
void draw_spectrogram(Canvas& canvas, const Spectrogram& spectrogram, const Rectangle& place);

/// Below a place that is `seconds` long.
void draw_times(Canvas& canvas, const Rectangle& place, double seconds);

/// On the left of a place: from `low` at the bottom to `high` at the top. `label`: what is counted.
void draw_numbers(Canvas& canvas, const Rectangle& place, double low, double high, const std::string& label);

/// On the left of a place: one tick, at so many points from the top of the picture.
void draw_tick(Canvas& canvas, const Rectangle& place, double y, const std::string& text);
void draw_label(Canvas& canvas, const Rectangle& place, const std::string& label);

/// Above a place, within `room`.
void draw_title(Canvas& canvas, const Rectangle& place, const std::string& title, double room);

}  // namespace contentvec::cli::plot
