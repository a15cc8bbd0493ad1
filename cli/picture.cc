#include "cli/picture.h"

#include <fstream>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/fail.h"
#include "contentvec/unfinished_files.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

bool is_svg(const fs::path& path) {
  return path.extension() == ".svg";
}

plot::PictureFormat format_of(const fs::path& path) {
  return is_svg(path) ? plot::PictureFormat::kSvg : plot::PictureFormat::kPng;
}

/// So many bytes of a file, zeros beyond its end.
std::string part_of(const fs::path& path, uintmax_t begin, size_t bytes) {
  std::string part(bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(begin));
  file.read(part.data(), static_cast<std::streamsize>(bytes));
  return part;
}

}  // namespace

Output pictures(const std::string& plot) {
  if (plot == "-") throw UsageError("--plot takes a file or a directory");
  if (!plot.empty()) plot::check_drawing();
  return {.what = "the picture", .option = "--plot", .formats = {"png", "svg"}, .out = plot};
}

std::string title_of(const Job& job) {
  return job.input == "-" ? "standard input" : utf8_text(fs::path(job.input).filename().string());
}

void write_picture(const fs::path& path, std::span<const plot::Panel> panels) {
  write_whole_file(path, plot::draw(panels, format_of(path)));
}

void write_picture(const fs::path& path, const plot::FeatureFigure& figure) {
  write_whole_file(path, plot::draw(figure, format_of(path)));
}

void write_picture(const fs::path& path, const plot::ComparisonFigure& figure) {
  write_whole_file(path, plot::draw(figure, format_of(path)));
}

void check_picture(const fs::path& path) {
  constexpr std::string_view kLastChunk = "IEND\xae\x42\x60\x82";  // and its checksum
  check_begins(path, is_svg(path) ? "<?xml" : "\x89PNG");
  check_ends(path, is_svg(path) ? "</svg>\n" : kLastChunk);
}

void check_begins(const fs::path& path, std::string_view start) {
  if (part_of(path, 0, start.size()) != start)
    fail("it does not begin as a {} file does", path.extension().string());
}

void check_ends(const fs::path& path, std::string_view end) {
  const auto size = fs::file_size(path);
  if (size < end.size() || part_of(path, size - end.size(), end.size()) != end)
    fail("it does not end as a {} file does", path.extension().string());
}

}  // namespace contentvec::cli
