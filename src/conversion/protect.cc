#include "conversion/protect.h"

#include <cstddef>

namespace contentvec::conversion {

void protect_unvoiced(std::span<float> blended, std::span<const float> own, std::span<const float> f0,
                      float protect) {
  if (f0.empty()) return;
  const size_t dim = blended.size() / f0.size();
  for (size_t frame = 0; frame < f0.size(); ++frame) {
    if (f0[frame] >= 1) continue;
    for (size_t i = frame * dim; i < (frame + 1) * dim; ++i)
      blended[i] = protect * blended[i] + (1 - protect) * own[i];
  }
}

}  // namespace contentvec::conversion
