// Pitch that is read back.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "contentvec/pitch.h"
#include "output/npy.h"
#include "runtime/c_locale.h"
#include "runtime/fail.h"
#include "runtime/input_file.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostTextBytes = uint64_t{1} << 28;  // ten times that of ten hours
constexpr std::string_view kPitchFiles =
    "expected what `contentvec pitch` writes: a line time,f0,confidence, then one for each 10 ms, in seconds and Hz; "
    "or a .npy file of [frames]";

std::vector<float> read_npy_pitch(const fs::path& path) {
  output::NpyArray array = output::read_npy(path);
  if (array.shape.size() != 1) {
    fail("cannot read a pitch from '{}': its shape has {} dimensions; expected one, Hz for each 10 ms",
         path.string(), array.shape.size());
  }
  return std::move(array.values);
}

std::string text_of(const InputFile& file) {
  if (file.size() > kMostTextBytes) {
    fail("cannot read a pitch from '{}': it has {} bytes, and {} are the most that are read; {}", file.path(),
         file.size(), kMostTextBytes, kPitchFiles);
  }
  std::string text(static_cast<size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

/// Takes the first line of `rest`, without its end.
std::string_view take_line(std::string_view& rest) {
  std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Takes the number before the next comma, or the last one. Nothing where there is none.
std::optional<double> take_number(std::string_view& line) {
  const std::string text(line.substr(0, line.find(',')));
  line.remove_prefix(std::min(line.size(), text.size() + 1));
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  constexpr double kMost = std::numeric_limits<float>::max();
  if (text.empty() || end != text.c_str() + text.size() || !(std::abs(value) <= kMost)) return std::nullopt;
  return value;
}

std::vector<float> read_csv_pitch(const InputFile& file) {
  constexpr double kFrame = 0.01;
  constexpr double kMostOff = 0.0005;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // as spreadsheets write it
  const CLocale locale;
  const std::string text = text_of(file);
  std::string_view rest = text;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  const std::string_view head = take_line(rest);
  if (head != "time,f0,confidence" && head != "time,f0")
    fail("cannot read a pitch from '{}': {}", file.path(), kPitchFiles);
  std::vector<float> f0;
  while (!rest.empty()) {
    std::string_view line = take_line(rest);
    const std::optional<double> time = take_number(line);
    const std::optional<double> hz = take_number(line);
    if (!time || !hz)
      fail("cannot read a pitch from '{}': line {}; {}", file.path(), f0.size() + 2, kPitchFiles);
    const double expected = kFrame * static_cast<double>(f0.size());
    if (std::abs(*time - expected) > kMostOff) {
      fail(
          "cannot read a pitch from '{}': line {} is of {} s, expected {:.2f} s: one line for each 10 ms, the first "
          "at 0",
          file.path(), f0.size() + 2, *time, expected);
    }
    f0.push_back(static_cast<float>(*hz));
  }
  return f0;
}

}  // namespace

std::vector<float> read_pitch(const fs::path& path) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  const InputFile file(path);
  std::array<char, kMagic.size()> start{};
  if (file.size() >= start.size()) file.read(0, std::as_writable_bytes(std::span(start)));
  const bool is_npy = std::string_view(start.data(), start.size()) == kMagic;
  std::vector<float> f0 = is_npy ? read_npy_pitch(path) : read_csv_pitch(file);
  if (f0.empty())
    fail("cannot read a pitch from '{}': it has no values; expected one for each 10 ms", path.string());
  return f0;
}

}  // namespace contentvec
