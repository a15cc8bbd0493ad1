#pragma once

#include <filesystem>
#include <string>

namespace contentvec::mlx {

/// Where MLX keeps the kernels that it compiles on this machine, for its GPU or its CPU kernels; empty where the system
/// keeps them (Metal).
std::filesystem::path kernel_cache(bool gpu);

/// That kernels are being compiled, where they are kept and how many there are so far, as LoadOptions::notice has it.
std::string compiling_notice(bool gpu);

}  // namespace contentvec::mlx
