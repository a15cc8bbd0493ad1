#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "f0/salience.h"
#include "golden.h"
#include "nn/context.h"
#include "nn/kernels/select.h"
#include "support.h"
#include "tensors/synthetic.h"

namespace contentvec::test {

/// Made-up tensors of seed 0, as the oracle's goldens were made with.
inline tensors::NamedTensors made_up(const std::vector<tensors::Synthetic>& table) {
  tensors::NamedTensors made;
  for (const tensors::Synthetic& synthetic : table)
    made.add(synthetic.tensor.name, synthetic.as_tensor("synthetic", 0));
  return made;
}

/// The same as values, for a file of them.
inline std::map<std::string, Reference> references(const std::vector<tensors::Synthetic>& table) {
  std::map<std::string, Reference> all;
  const tensors::NamedTensors made = made_up(table);
  for (const auto& [name, tensor] : made.all()) all[name] = {tensor.shape, read(tensor)};
  return all;
}

/// Threads and memory for a pass.
struct Machine {
  Machine(const nn::Kernels& kernels_, int threads) : kernels(kernels_), team(threads) {
    memory.prepare(kernels, threads);
  }
  [[nodiscard]] nn::Context context() { return {kernels, team, memory}; }
  const nn::Kernels& kernels;
  ThreadTeam team;
  nn::Scratch memory;
};

/// Writes an estimator's pieces into one salience [frames, 360].
inline f0::TakeSalience into(std::vector<float>& salience) {
  return [&salience](int64_t first, std::span<const float> piece) {
    std::copy(piece.begin(), piece.end(), salience.begin() + first * f0::kSalienceBins);
  };
}

/// Something for an estimator to hear, of every pitch.
inline std::vector<float> sweep(size_t samples) {
  std::vector<float> waveform(samples);
  for (size_t i = 0; i < samples; ++i)
    waveform[i] = 0.3F * std::sin(static_cast<float>(i * i % 9973) * 0.01F);
  return waveform;
}

inline std::string isa_name(const nn::Kernels* kernels) {
  return kernels->isa;
}

}  // namespace contentvec::test
