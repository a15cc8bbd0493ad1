#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <new>
#include <span>
#include <string_view>

#include "contentvec/error.h"

namespace contentvec::fuzz {

inline std::span<const std::byte> bytes_of(const uint8_t* data, size_t size) {
  return std::as_bytes(std::span(data, size));
}
inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The bytes as a file, for readers that take a path: one file for each process, overwritten each time.
const std::filesystem::path& file_of(const uint8_t* data, size_t size);

/// Runs a parser. An Error is an answer; whatever else is thrown ends the process, and so is found.
template <typename Parse>
int answers(const Parse& parse) {
  try {
    parse();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace contentvec::fuzz

/// What each target defines: one run of its parser. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
