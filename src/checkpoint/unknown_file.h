#pragma once

#include <cstddef>
#include <span>

namespace contentvec::checkpoint {

/// Throws the Error for a file that is in none of the formats read here: what it looks like, what was
/// expected and what to do. Does not name the file.
[[noreturn]] void refuse_unknown_file(std::span<const std::byte> bytes);

}  // namespace contentvec::checkpoint
