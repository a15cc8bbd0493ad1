#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace contentvec::retrieval {

/// Goes through a file as FAISS's reader will and checks that all it says is so: FAISS itself allocates what
/// a file announces, and asserts. Throws Error where the file is neither an IndexIVFFlat ("IVF<n>,Flat") nor
/// an IndexFlatL2 ("Flat"), both with L2 distances, holds no vectors, or is damaged; it says what the file is
/// instead, where that can be told. The numbers of the vectors are not looked at. `name`
/// stands for the file in errors.
void check_index_file(std::span<const std::byte> file, std::string_view name);

}  // namespace contentvec::retrieval
