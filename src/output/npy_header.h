#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace contentvec::output {

/// What the header of a .npy file says, before anybody believes it.
struct NpyHeader {
  std::string descr;  ///< "<f4"
  bool fortran_order = false;
  std::vector<int64_t> shape;  ///< none negative
};

/// Parses the header's text: a Python dict of exactly the keys 'descr' (a string), 'fortran_order' (True or
/// False) and 'shape' (a tuple of integers), in any order. Null for any other text, a structured dtype's
/// included.
std::optional<NpyHeader> parse_npy_header(std::string_view text);

}  // namespace contentvec::output
