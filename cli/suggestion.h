#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace contentvec::cli {

/// How many insertions, deletions, exchanges of one character and swaps of two neighbours make one text of
/// the other (the restricted Damerau-Levenshtein distance). Time and memory grow with the product of the
/// lengths: for names, not for files.
size_t edit_distance(std::string_view a, std::string_view b);

/// `; did you mean "extract"?` for the candidate nearest to what was typed, or "" where none is near.
std::string did_you_mean(std::string_view typed, std::span<const std::string> candidates);

}  // namespace contentvec::cli
