#pragma once

#include <string>

namespace contentvec {

/// A text with the letters of ASCII in lower case, whatever the locale.
inline std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

}  // namespace contentvec
