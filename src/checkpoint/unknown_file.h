#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace contentvec::checkpoint {

/// Throws the Error for a file that is in none of the formats read here: what it looks like, what was
/// expected and what to do. Does not name the file. `beginning`: 512 bytes of it, or all of a smaller one's.
[[noreturn]] void refuse_unknown_file(std::span<const std::byte> beginning, uint64_t size);

}  // namespace contentvec::checkpoint
