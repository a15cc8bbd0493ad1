#include "synthesizer/resize.h"

#include <algorithm>

#include "nn/time_rows.h"

namespace contentvec::synthesizer {

void resize(const nn::Context& context, const float* from, int64_t from_rows, int64_t width, float* to,
            int64_t to_rows) {
  const double step = static_cast<double>(from_rows) / static_cast<double>(to_rows);
  nn::in_parts(context, to_rows, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t row = begin; row < end; ++row) {
      const double place = std::max((static_cast<double>(row) + 0.5) * step - 0.5, 0.0);
      const auto before = std::min(static_cast<int64_t>(place), from_rows - 1);
      const int64_t after = std::min(before + 1, from_rows - 1);
      const double share = place - static_cast<double>(before);  // of the row after
      for (int64_t i = 0; i < width; ++i) {
        to[row * width + i] = static_cast<float>(static_cast<double>(from[before * width + i]) * (1 - share) +
                                                 static_cast<double>(from[after * width + i]) * share);
      }
    }
  });
}

}  // namespace contentvec::synthesizer
