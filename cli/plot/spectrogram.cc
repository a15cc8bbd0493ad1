#include "cli/plot/spectrogram.h"

#include <algorithm>
#include <cmath>

#include "dsp/padding.h"
#include "dsp/spectrum.h"

namespace contentvec::cli::plot {
namespace {

constexpr double kWindowSeconds = 0.064;  // two periods of the lowest voices
constexpr double kColumnSeconds = 0.01;   // as f0 has them
constexpr int64_t kSpectraOfColumn = 4;   // at most
constexpr int64_t kMostColumns = 10000;
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

double decibels(double magnitude) {
  return 10 * std::log10(std::max(magnitude * magnitude, kSilence));
}

/// The spectra of one recording, centred wherever one is asked for.
class Spectra {
 public:
  Spectra(std::span<const float> waveform, int rate)
      : spectrum_(std::max<int64_t>(2 * static_cast<int64_t>(kWindowSeconds * rate / 2), 4)),
        signal_(waveform, spectrum_.size() / 2, dsp::PaddedSignal::Padding::kZeros),
        magnitudes_(static_cast<size_t>(spectrum_.bins())) {}

  [[nodiscard]] int64_t bins() const { return spectrum_.bins(); }
  [[nodiscard]] double hz_of_bin(int rate) const { return rate / static_cast<double>(spectrum_.size()); }

  std::span<const double> at(int64_t sample) {
    const float* frame = signal_.read(sample, spectrum_.size(), padded_);
    spectrum_.magnitudes(frame, 0, scratch_, magnitudes_.data());
    return magnitudes_;
  }

 private:
  dsp::Spectrum spectrum_;
  dsp::PaddedSignal signal_;
  dsp::Spectrum::Scratch scratch_;
  std::vector<float> padded_;
  std::vector<double> magnitudes_;
};

/// Raises the levels of a column to those of a spectrum, where that is louder.
void add_loudest(std::span<const double> magnitudes, const std::vector<Place>& places,
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
  Spectra spectra(waveform, rate);
  const std::vector<Place> places = places_of_rows(range, spectra.hz_of_bin(rate), spectra.bins());
  result.levels.assign(static_cast<size_t>(result.columns * kRows), -1000);
  for (int64_t i = 0; i < result.columns * taken; ++i) {
    const double seconds = (static_cast<double>(i) + 0.5) * column_seconds / static_cast<double>(taken);
    add_loudest(spectra.at(static_cast<int64_t>(seconds * rate)), places,
                std::span(result.levels).subspan(static_cast<size_t>(i / taken * kRows), kRows));
  }
  normalise(result.levels);
  return result;
}

}  // namespace contentvec::cli::plot
