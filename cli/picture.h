#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "cli/plan.h"
#include "cli/plot/feature_figure.h"
#include "cli/plot/figure.h"

namespace contentvec::cli {

/// What a command draws of each recording, and where --plot wants it, which may be empty. Throws UsageError for
/// standard output, and Error where pictures are wanted and cannot be drawn.
Output pictures(const std::string& plot);

/// What a job's input is called in a picture.
std::string title_of(const Job& job);

/// Draw a picture of the kind that its path ends as. They throw Error.
void write_picture(const std::filesystem::path& path, std::span<const plot::Panel> panels);
void write_picture(const std::filesystem::path& path, const plot::FeatureFigure& figure);
void write_picture(const std::filesystem::path& path, const plot::ComparisonFigure& figure);

/// Throws Error where a file does not begin and end as a picture of that kind does.
void check_picture(const std::filesystem::path& path);

/// Throws Error where a file does not begin, or end, so.
void check_begins(const std::filesystem::path& path, std::string_view start);
void check_ends(const std::filesystem::path& path, std::string_view end);

}  // namespace contentvec::cli
