#include "dsp/spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "dsp/padding.h"

namespace contentvec::dsp {
namespace {

TEST(Spectrum, IsTheSumThatDefinesIt) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  for (const int64_t size : {4, 16, 30, 64, 1024}) {
    const Spectrum spectrum(size);
    std::vector<float> frame(static_cast<size_t>(size));
    for (float& x : frame) x = uniform(random);
    Spectrum::Scratch scratch;
    std::vector<double> magnitudes(static_cast<size_t>(spectrum.bins()));
    spectrum.magnitudes(frame.data(), 0.25, scratch, magnitudes.data());
    for (int64_t k = 0; k < spectrum.bins(); ++k) {
      std::complex<double> sum = 0;
      for (int64_t n = 0; n < size; ++n) {
        const double phase = 2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(size);
        const double windowed =
            static_cast<double>(frame[static_cast<size_t>(n)]) * (0.5 - 0.5 * std::cos(phase));
        sum += windowed * std::polar(1.0, -phase * static_cast<double>(k));
      }
      EXPECT_NEAR(magnitudes[static_cast<size_t>(k)], std::sqrt(std::norm(sum) + 0.25), 1e-9)
          << size << " " << k;
    }
  }
}

TEST(PaddedSignal, GoesOnBeyondItsEnds) {
  const std::vector<float> signal = {1, 2, 3, 4};
  const auto read = [&](PaddedSignal::Padding padding, int64_t begin, int64_t count) {
    std::vector<float> scratch;
    const float* samples = PaddedSignal(signal, 3, padding).read(begin, count, scratch);
    return std::vector<float>(samples, samples + count);
  };
  EXPECT_EQ(read(PaddedSignal::Padding::kReflect, 0, 9), (std::vector<float>{4, 3, 2, 1, 2, 3, 4, 3, 2}));
  EXPECT_EQ(read(PaddedSignal::Padding::kZeros, 0, 9), (std::vector<float>{0, 0, 0, 1, 2, 3, 4, 0, 0}));
  EXPECT_EQ(read(PaddedSignal::Padding::kReflect, 5, 3), (std::vector<float>{3, 4, 3}));
  EXPECT_EQ(read(PaddedSignal::Padding::kReflect, 3, 4), signal);
  EXPECT_EQ(read(PaddedSignal::Padding::kReflect, 8, 8), (std::vector<float>{2, 1, 2, 3, 4, 3, 2, 1}));
}

TEST(Mirrored, IsThereAndBackAgain) {
  for (const int64_t size : {1, 2, 3, 7}) {
    for (int64_t place = 0; place < size; ++place) EXPECT_EQ(mirrored(place, size), place);
    for (int64_t place = -30; place < 30; ++place) {
      EXPECT_EQ(mirrored(-place, size), mirrored(place, size)) << size << " " << place;
      EXPECT_EQ(mirrored(2 * (size - 1) - place, size), mirrored(place, size)) << size << " " << place;
    }
  }
}

}  // namespace
}  // namespace contentvec::dsp
