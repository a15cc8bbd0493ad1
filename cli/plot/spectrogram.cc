#include "cli/plot/spectrogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "contentvec/spectrum.h"

namespace contentvec::cli::plot {
namespace {

constexpr double kWindowSeconds = 0.064;  // two periods of the lowest voices
constexpr double kColumnSeconds = 0.01;   // as f0 has them
constexpr int64_t kSpectraOfColumn = 4;   // at most
constexpr int64_t kMostColumns = 10000;
constexpr int64_t kColumnsAtATime = 64;
constexpr int64_t kRows = 240;
constexpr double kRangeDecibels = 60;
constexpr float kLeastLoudest = -30;  // decibels; a sine of full scale has about 48
constexpr double kSilence = 1e-12;    // of a power, so that its logarithm is a number

/// Where a row lies between the bins of a spectrum.
struct Place {
  size_t bin;
  double beyond;  ///< 0 to 1, towards the next one
};

std::vector<Place> places_of_rows(const FrequencyRange& range, double hz_of_bin, int64_t bins) {
  std::vector<Place> places;
  for (int64_t row = 0; row < kRows; ++row) {
    const double at = range.hz_at(static_cast<double>(row) / (kRows - 1)) / hz_of_bin;
    const double bin = std::min(std::floor(at), static_cast<double>(bins - 2));
    places.push_back({static_cast<size_t>(bin), at - bin});
  }
  return places;
}

double decibels(float magnitude_of_bin) {
  const auto magnitude = static_cast<double>(magnitude_of_bin);
  return 10 * std::log10(std::max(magnitude * magnitude, kSilence));
}

/// An even number of samples.
int64_t window_at(int rate) {
  return std::max<int64_t>(2 * static_cast<int64_t>(kWindowSeconds * rate / 2), 4);
}

/// Raises the levels of a column to those of a spectrum, where that is louder.
void add_loudest(std::span<const float> magnitudes, const std::vector<Place>& places,
                 std::span<float> column) {
  for (size_t row = 0; row < places.size(); ++row) {
    const auto& [bin, beyond] = places[row];
    const double level = (1 - beyond) * decibels(magnitudes[bin]) + beyond * decibels(magnitudes[bin + 1]);
    column[row] = std::max(column[row], static_cast<float>(level));
  }
}

/// Decibels to 0 .. 1, the loudest being 1; but what is as good as silent stays dark.
void normalise(std::vector<float>& levels) {
  const auto range = static_cast<float>(kRangeDecibels);
  const float loudest = std::max(*std::max_element(levels.begin(), levels.end()), kLeastLoudest);
  for (float& level : levels) level = std::max(0.0F, 1 + (level - loudest) / range);
}

}  // namespace

FrequencyRange range_for(std::span<const float> f0) {
  FrequencyRange range = {50, 1100};
  for (const float hz : f0) {
    if (!(hz > 0)) continue;
    range.lowest = std::min(range.lowest, 0.9 * static_cast<double>(hz));
    range.highest = std::max(range.highest, 1.1 * static_cast<double>(hz));
  }
  return range;
}

Spectrogram spectrogram_of(std::span<const float> waveform, int rate, FrequencyRange range) {
  range.highest = std::min(range.highest, rate / 2.0);
  Spectrogram result = {
      .rows = kRows, .seconds = static_cast<double>(waveform.size()) / rate, .range = range};
  result.columns =
      std::clamp(static_cast<int64_t>(std::ceil(result.seconds / kColumnSeconds)), int64_t{1}, kMostColumns);
  const double column_seconds = result.seconds / static_cast<double>(result.columns);
  const int64_t taken =
      std::clamp(static_cast<int64_t>(column_seconds / kColumnSeconds), int64_t{1}, kSpectraOfColumn);
  const int64_t window = window_at(rate);
  const int64_t bins = window / 2 + 1;
  const std::vector<Place> places = places_of_rows(range, rate / static_cast<double>(window), bins);
  result.levels.assign(static_cast<size_t>(result.columns * kRows), std::numeric_limits<float>::lowest());
  std::vector<int64_t> centres(static_cast<size_t>(kColumnsAtATime * taken));
  for (int64_t first = 0; first < result.columns; first += kColumnsAtATime) {
    centres.resize(static_cast<size_t>(std::min(kColumnsAtATime, result.columns - first) * taken));
    for (size_t i = 0; i < centres.size(); ++i) {
      const double spectrum = static_cast<double>(first * taken) + static_cast<double>(i) + 0.5;
      centres[i] = static_cast<int64_t>(spectrum * column_seconds / static_cast<double>(taken) * rate);
    }
    const std::vector<float> spectra = magnitude_spectra(waveform, centres, window);
    for (size_t i = 0; i < centres.size(); ++i) {
      const int64_t column = first + static_cast<int64_t>(i) / taken;
      add_loudest(std::span(spectra).subspan(i * static_cast<size_t>(bins), static_cast<size_t>(bins)),
                  places, std::span(result.levels).subspan(static_cast<size_t>(column * kRows), kRows));
    }
  }
  normalise(result.levels);
  return result;
}

}  // namespace contentvec::cli::plot
