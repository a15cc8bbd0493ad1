#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "checkpoint/pickle_value.h"

namespace contentvec::checkpoint::pickle {

/// What joblib's NumpyArrayWrapper says of the array behind it.
struct JoblibArray {
  std::vector<int64_t> shape;
  char kind = 'f';  ///< of its values, as NumPy has it: 'f', 'i', 'u', 'b' ...
  size_t element_size = 0;
  bool big_endian = false;
  bool fortran_order = false;
  bool aligned = false;  ///< padding comes before it
  size_t bytes = 0;      ///< of all values
};

/// Whether a record is such a wrapper. Joblib was a part of scikit-learn once.
[[nodiscard]] bool is_joblib_array(const Values& values, const Record& record);

/// Throws Error when it says nothing sensible, or the array is of Python objects, which would be a pickle again.
[[nodiscard]] JoblibArray joblib_array(const Values& values, const Record& wrapper);

}  // namespace contentvec::checkpoint::pickle
