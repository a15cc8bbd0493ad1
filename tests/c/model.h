#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "contentvec/c.h"

namespace contentvec::test {

using CModel = std::unique_ptr<contentvec_model, decltype(&contentvec_model_free)>;

inline contentvec_load_options c_load_options() {
  contentvec_load_options options;
  contentvec_load_options_init(&options, sizeof options);
  return options;
}

inline contentvec_extract_options c_extract_options() {
  contentvec_extract_options options;
  contentvec_extract_options_init(&options, sizeof options);
  return options;
}

inline CModel c_model(const std::string& spec, const contentvec_load_options* options = nullptr) {
  contentvec_model* model = nullptr;
  EXPECT_EQ(contentvec_model_load(spec.c_str(), options, &model), CONTENTVEC_OK) << contentvec_last_error();
  return {model, contentvec_model_free};
}

/// Floats of the features of so many samples.
inline size_t c_size(const contentvec_model* model, size_t samples, int32_t dim) {
  return static_cast<size_t>(contentvec_model_frames_for(model, static_cast<int64_t>(samples)) * dim);
}

inline std::vector<float> c_extract(const contentvec_model* model, const std::vector<float>& waveform,
                                    const contentvec_extract_options* options = nullptr) {
  contentvec_model_info info = {};
  info.size = sizeof info;
  EXPECT_EQ(contentvec_model_get_info(model, &info), CONTENTVEC_OK);
  std::vector<float> features(c_size(model, waveform.size(), info.dim));
  EXPECT_EQ(contentvec_model_extract(model, waveform.data(), static_cast<int64_t>(waveform.size()), options,
                                     features.data(), static_cast<int64_t>(features.size())),
            CONTENTVEC_OK)
      << contentvec_last_error();
  return features;
}

}  // namespace contentvec::test
