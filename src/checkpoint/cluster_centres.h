#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace contentvec::checkpoint {

/// [rows, dim], row-major.
struct CentreRows {
  int64_t dim = 0;
  std::vector<float> values;
};

/// The `cluster_centers_` of scikit-learn's KMeans or MiniBatchKMeans as joblib.dump wrote it, without compression: a
/// .km or .bin file of fairseq and textlesslib. Nothing of it is imported, called or executed. Throws Error,
/// which says how to convert it, for anything else.
[[nodiscard]] CentreRows read_joblib_centres(std::span<const std::byte> file);

/// The bytes of the array `name` of an .npz file, of at most so many. Throws Error where it is none, or has no such
/// array.
[[nodiscard]] std::vector<std::byte> npz_entry(const std::filesystem::path& path, std::string_view name,
                                               uint64_t most);

/// An .npz file, a zip that numpy.load opens, with one array, `name`.npy, of these bytes.
[[nodiscard]] std::vector<std::byte> npz_of(std::string_view name, std::span<const std::byte> npy);

}  // namespace contentvec::checkpoint
