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
  write_whole_file(path,
                   plot::draw(panels, is_svg(path) ? plot::PictureFormat::kSvg : plot::PictureFormat::kPng));
}

void check_picture(const fs::path& path) {
  check_begins(path, is_svg(path) ? "<?xml" : "\x89PNG");
}

void check_begins(const fs::path& path, const std::string& start) {
  std::string found(start.size(), '\0');
  std::ifstream(path, std::ios::binary).read(found.data(), static_cast<std::streamsize>(found.size()));
  if (found != start) fail("it does not begin as a {} file does", path.extension().string());
}

}  // namespace contentvec::cli
