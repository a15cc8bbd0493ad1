#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "checkpoint/cluster_centres.h"

namespace contentvec::retrieval {

using checkpoint::CentreRows;

/// What Units::open reads. Throws Error naming the file.
CentreRows read_centres(const std::filesystem::path& path);

/// The .npz file that Units::save writes.
std::vector<std::byte> centres_file(const CentreRows& centres);

}  // namespace contentvec::retrieval
