// Pitch in files.

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "contentvec/pitch.h"
#include "contentvec/unfinished_files.h"
#include "output/npy.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;

PitchFormat format_of(const fs::path& path) {
  if (path.extension() == ".npy") return PitchFormat::kNpy;
  if (path.extension() == ".csv") return PitchFormat::kCsv;
  fail("cannot write '{}': expected a name that ends in .npy or .csv; or give the format", path.string());
}

/// A NumPy array of one dimension.
template <typename T>
std::string npy_of(std::span<const T> values, std::string_view descr) {
  std::string file = output::start_of_npy(std::array{static_cast<int64_t>(values.size())}, descr);
  const auto bytes = std::as_bytes(values);
  file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return file;
}

/// Numbers have as many digits as tell them from every other float32. A frame is a hundredth of a second.
std::string csv_of(const Pitch& pitch) {
  std::string text = "time,f0,confidence\n";
  for (size_t frame = 0; frame < pitch.f0.size(); ++frame) {
    fmt::format_to(std::back_inserter(text), "{}.{:02},{},{}\n", frame / 100, frame % 100, pitch.f0[frame],
                   pitch.confidence[frame]);
  }
  return text;
}

void write_text(const fs::path& path, const std::string& text) {
  write_whole_file(path, std::as_bytes(std::span(text)));
}

}  // namespace

void write_pitch(const fs::path& path, const Pitch& pitch, std::optional<PitchFormat> format) {
  if (pitch.f0.size() != pitch.confidence.size()) {
    fail(
        "cannot write '{}': the pitch has {} values of f0 and {} of confidence; expected one of each a frame",
        path.string(), pitch.f0.size(), pitch.confidence.size());
  }
  const PitchFormat settled = format ? *format : format_of(path);
  write_text(path,
             settled == PitchFormat::kCsv ? csv_of(pitch) : npy_of(std::span<const float>(pitch.f0), "<f4"));
}

void write_pitch_for_rvc(const fs::path& coarse, const fs::path& hz, std::span<const float> f0) {
  const std::vector<int64_t> ids = coarse_pitch(f0);
  const std::vector<double> wide(f0.begin(), f0.end());
  write_text(coarse, npy_of(std::span<const int64_t>(ids), "<i8"));
  write_text(hz, npy_of(std::span<const double>(wide), "<f8"));
}

}  // namespace contentvec
