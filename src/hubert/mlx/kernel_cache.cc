#include "hubert/mlx/kernel_cache.h"

#include <fmt/format.h>
#include <mlx/mlx.h>

#include <cstdlib>
#include <system_error>

#include "hubert/mlx/mlx_backend.h"

namespace contentvec::mlx {
namespace {

namespace fs = std::filesystem;

/// Files of the ending, of which MLX writes one for each group of kernels.
int64_t count_files(const fs::path& folder, const char* ending) {
  int64_t count = 0;
  std::error_code error;
  for (fs::directory_iterator file(folder, error), end; !error && file != end; file.increment(error))
    count += file->path().extension() == ending ? 1 : 0;
  return count;
}

}  // namespace

// As MLX 0.32 chooses it.
fs::path kernel_cache(bool gpu) {
  if (gpu && !has_cuda()) return {};
  const char* chosen = gpu ? std::getenv("MLX_PTX_CACHE_DIR") : nullptr;
  if (chosen != nullptr) return chosen;
  std::error_code error;
  return fs::temp_directory_path(error) / "mlx" / ::mlx::core::version() / (gpu ? "ptx" : "cpu");
}

std::string compiling_notice(bool gpu) {
  const std::string device = gpu ? (gpu_name().empty() ? "this GPU" : gpu_name()) : "this CPU";
  const fs::path folder = kernel_cache(gpu);
  const std::string kept = folder.empty()
                               ? "the system keeps them"
                               : fmt::format("they are kept in {}, where there are {} so far",
                                             folder.string(), count_files(folder, gpu ? ".ptx" : ".so"));
  return fmt::format(
      "{} compiles its kernels for {}, which takes up to a minute once; {} (`contentvec warmup` does it beforehand)",
      description(), device, kept);
}

}  // namespace contentvec::mlx
