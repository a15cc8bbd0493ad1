#include "cli/suggestion.h"

#include <fmt/format.h>

#include <algorithm>

namespace contentvec::cli {
namespace {

constexpr size_t kLongestName = 64;

/// One mistake in a short name, and one more for every four characters.
size_t most_mistakes(std::string_view typed) {
  return 1 + typed.size() / 4;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  // Row i: the distances of a's first i characters to every beginning of b.
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const size_t exchanged = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, exchanged});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

std::string did_you_mean(std::string_view typed, std::span<const std::string> candidates) {
  if (typed.size() > kLongestName) return "";
  const std::string* nearest = nullptr;
  size_t fewest = most_mistakes(typed) + 1;
  for (const std::string& candidate : candidates) {
    // What was begun and not ended counts as one mistake.
    const bool begun = typed.size() >= 3 && candidate.starts_with(typed);
    const size_t mistakes = begun ? 1 : edit_distance(typed, candidate);
    if (mistakes < fewest) {
      fewest = mistakes;
      nearest = &candidate;
    }
  }
  return nearest == nullptr ? "" : fmt::format("; did you mean \"{}\"?", *nearest);
}

}  // namespace contentvec::cli
