#include "dsp/sola.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace contentvec::dsp {
namespace {

std::vector<float> noise(size_t size, std::mt19937& random) {
  std::normal_distribution<float> normal(0.0F, 0.1F);
  std::vector<float> samples(size);
  for (float& x : samples) x = normal(random);
  return samples;
}

/// The formula, one offset after the other.
int64_t best_offset(const std::vector<float>& made, const std::vector<float>& leaving, int64_t search) {
  int64_t best = 0;
  double largest = -1e300;
  for (int64_t o = 0; o <= search; ++o) {
    double product = 0;
    double energy = 0;
    for (size_t i = 0; i < leaving.size(); ++i) {
      const auto y = static_cast<double>(made[static_cast<size_t>(o) + i]);
      product += y * static_cast<double>(leaving[i]);
      energy += y * y;
    }
    const double likeness = product / std::sqrt(energy + 1e-8);
    if (likeness <= largest) continue;
    largest = likeness;
    best = o;
  }
  return best;
}

TEST(Sola, IsTheFormulaForRandomSizes) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    const int64_t block = 1 + static_cast<int64_t>(random() % 300);
    const int64_t fade = 1 + static_cast<int64_t>(random() % 200);
    const auto search = static_cast<int64_t>(random() % 100);
    Sola sola(block, fade, search);
    ASSERT_EQ(sola.input_size(), block + fade + search);
    std::vector<float> leaving(static_cast<size_t>(fade));
    for (int i = 0; i < 4; ++i) {
      std::vector<float> made = noise(static_cast<size_t>(sola.input_size()), random);
      std::vector<float> out(static_cast<size_t>(block));
      const int64_t offset = sola.join(made, out);
      ASSERT_EQ(offset, best_offset(made, leaving, search)) << block << " " << fade << " " << search;
      for (int64_t k = 0; k < fade; ++k) {
        const double place = fade == 1 ? 0 : static_cast<double>(k) / static_cast<double>(fade - 1);
        const double share = std::pow(std::sin(std::numbers::pi / 2 * place), 2);
        float& y = made[static_cast<size_t>(offset + k)];
        y = static_cast<float>(share * static_cast<double>(y) +
                               (1 - share) * static_cast<double>(leaving[static_cast<size_t>(k)]));
      }
      for (int64_t k = 0; k < block; ++k)
        ASSERT_FLOAT_EQ(out[static_cast<size_t>(k)], made[static_cast<size_t>(offset + k)]) << k;
      leaving.assign(made.begin() + offset + block, made.begin() + offset + block + fade);
    }
  }
}

TEST(Sola, FindsWhereASignalGoesOn) {
  std::mt19937 random(4);
  const std::vector<float> signal = noise(4000, random);
  Sola sola(1000, 200, 50);
  std::vector<float> out(1000);
  EXPECT_EQ(sola.join(std::span(signal).first(1250), out), 0);
  // The next block is made from 37 samples before where it would go on.
  EXPECT_EQ(sola.join(std::span(signal).subspan(1000 - 37, 1250), out), 37);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], signal[1000 + i], 1e-7F);
}

TEST(Sola, AfterAResetFadesInFromSilence) {
  std::mt19937 random(5);
  const std::vector<float> made = noise(1250, random);
  Sola sola(1000, 200, 50);
  std::vector<float> first(1000);
  std::vector<float> again(1000);
  sola.join(made, first);
  sola.reset();
  EXPECT_EQ(sola.join(made, again), 0);
  EXPECT_EQ(again, first);
}

}  // namespace
}  // namespace contentvec::dsp
