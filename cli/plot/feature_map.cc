#include "cli/plot/feature_map.h"

#include <algorithm>
#include <cmath>

namespace contentvec::cli::plot {
namespace {

constexpr int64_t kMostMapColumns = 760;  // a picture's width in points
constexpr double kDeviations = 2;

/// 0 to 1, and 0 for what is no number.
float level_of(double value) {
  return value > 0 ? static_cast<float>(std::min(value, 1.0)) : 0.0F;
}

double dot(const float* a, const float* b, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace

FeatureMap::FeatureMap(int64_t frames, int64_t dim)
    : frames_(frames),
      dim_(dim),
      sums_(static_cast<size_t>(std::min(frames, kMostMapColumns) * dim)),
      frames_of_column_(static_cast<size_t>(std::min(frames, kMostMapColumns))) {}

void FeatureMap::add(int64_t first_frame, std::span<const float> rows) {
  for (int64_t row = 0; row * dim_ < static_cast<int64_t>(rows.size()); ++row) {
    const int64_t column = (first_frame + row) * columns() / frames_;
    ++frames_of_column_[static_cast<size_t>(column)];
    for (int64_t channel = 0; channel < dim_; ++channel)
      sums_[static_cast<size_t>(column * dim_ + channel)] += rows[static_cast<size_t>(row * dim_ + channel)];
  }
}

std::vector<float> FeatureMap::means() const {
  std::vector<float> means = sums_;
  for (size_t i = 0; i < means.size(); ++i)
    means[i] /= static_cast<float>(std::max<int64_t>(frames_of_column_[i / static_cast<size_t>(dim_)], 1));
  return means;
}

std::vector<float> FeatureMap::levels() const {
  std::vector<float> levels = means();
  const auto value = [&](int64_t column, int64_t channel) -> float& {
    return levels[static_cast<size_t>(column * dim_ + channel)];
  };
  for (int64_t channel = 0; channel < dim_; ++channel) {
    double sum = 0;
    double squares = 0;
    for (int64_t column = 0; column < columns(); ++column) {
      sum += static_cast<double>(value(column, channel));
      squares += static_cast<double>(value(column, channel)) * static_cast<double>(value(column, channel));
    }
    const double mean = sum / static_cast<double>(columns());
    const double variance = squares / static_cast<double>(columns()) - mean * mean;
    const double range = variance > 0 ? 2 * kDeviations * std::sqrt(variance) : 1;
    for (int64_t column = 0; column < columns(); ++column)
      value(column, channel) = level_of(0.5 + (static_cast<double>(value(column, channel)) - mean) / range);
  }
  return levels;
}

std::vector<float> FeatureMap::similarities() const {
  std::vector<float> units = means();
  for (int64_t column = 0; column < columns(); ++column) {
    float* const row = units.data() + column * dim_;
    const double norm = std::sqrt(dot(row, row, dim_));
    for (int64_t i = 0; i < dim_; ++i)
      row[i] = norm > 0 ? static_cast<float>(static_cast<double>(row[i]) / norm) : 0;
  }
  std::vector<float> cosines(static_cast<size_t>(columns() * columns()));
  for (int64_t a = 0; a < columns(); ++a) {
    for (int64_t b = 0; b <= a; ++b) {
      const auto cosine = static_cast<float>(dot(units.data() + a * dim_, units.data() + b * dim_, dim_));
      cosines[static_cast<size_t>(a * columns() + b)] = cosine;
      cosines[static_cast<size_t>(b * columns() + a)] = cosine;
    }
  }
  return cosines;
}

}  // namespace contentvec::cli::plot
