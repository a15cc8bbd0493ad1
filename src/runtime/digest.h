#pragma once

#include <filesystem>
#include <string>

#include "runtime/input_file.h"

namespace contentvec {

/// SHA-256 of a file's content as 64 lower-case hexadecimal digits. Throws Error when it cannot be read, or
/// becomes shorter meanwhile. Empty in a build without the hub.
std::string sha256_of(const InputFile& file);
std::string sha256_of_file(const std::filesystem::path& path);

/// The SHA-1 under which git keeps that content: of "blob", its size and its bytes; 40 such digits.
std::string git_blob_sha1_of_file(const std::filesystem::path& path);

}  // namespace contentvec
