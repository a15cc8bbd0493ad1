#include "dsp/spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "contentvec/error.h"
#include "contentvec/spectrum.h"
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

TEST(MagnitudeSpectra, AreThoseAroundTheSamples) {
  std::vector<float> waveform(1000);
  for (size_t i = 0; i < waveform.size(); ++i)
    waveform[i] = std::sin(2 * std::numbers::pi_v<float> / 16 * static_cast<float>(i));
  const std::vector<int64_t> centres = {0, 500, 1000};
  const std::vector<float> spectra = magnitude_spectra(waveform, centres, 64);
  ASSERT_EQ(spectra.size(), 3U * 33);
  EXPECT_NEAR(spectra[33 + 4], 16, 1e-3);  // of the sine's bin, amid the waveform
  EXPECT_NEAR(spectra[33 + 12], 0, 1e-3);
  EXPECT_NEAR(spectra[4], 8, 0.5);  // half of it is there at the ends
  EXPECT_NEAR(spectra[66 + 4], 8, 0.5);
  EXPECT_TRUE(magnitude_spectra(waveform, {}, 64).empty());
}

TEST(MagnitudeSpectra, RefuseWhatIsOutOfRange) {
  const std::vector<float> waveform(10);
  const auto spectra = [&](int64_t centre, int64_t size) {
    return magnitude_spectra(waveform, std::span(&centre, 1), size);
  };
  EXPECT_NO_THROW((void)spectra(10, 4));
  EXPECT_THROW((void)spectra(11, 4), Error);
  EXPECT_THROW((void)spectra(-1, 4), Error);
  EXPECT_THROW((void)spectra(5, 5), Error);
  EXPECT_THROW((void)spectra(5, 2), Error);
  EXPECT_THROW((void)spectra(5, 1 << 17), Error);
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
