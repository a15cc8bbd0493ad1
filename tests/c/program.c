/* What a C program does with the library; compiled once for each standard of C. */
#include "contentvec/c.h"

int32_t extract_in_c(const char* spec, const float* waveform, int64_t samples, float* features,
                     int64_t capacity);

int32_t extract_in_c(const char* spec, const float* waveform, int64_t samples, float* features,
                     int64_t capacity) {
  contentvec_load_options options;
  contentvec_model* model = NULL;
  contentvec_status status;
  contentvec_load_options_init(&options, sizeof options);
  options.threads = 1;
  status = contentvec_model_load(spec, &options, &model);
  if (status == CONTENTVEC_OK) {
    status = contentvec_model_extract(model, waveform, samples, NULL, features, capacity);
  }
  contentvec_model_free(model);
  return status;
}

int32_t estimate_in_c(const char* spec, const float* waveform, int64_t samples, float* f0, int64_t capacity);

int32_t estimate_in_c(const char* spec, const float* waveform, int64_t samples, float* f0, int64_t capacity) {
  contentvec_pitch_options options;
  contentvec_pitch* pitch = NULL;
  contentvec_status status = contentvec_pitch_load(spec, NULL, &pitch);
  contentvec_pitch_options_init(&options, sizeof options);
  if (status == CONTENTVEC_OK) {
    status = contentvec_pitch_estimate(pitch, waveform, samples, &options, f0, NULL, capacity);
  }
  contentvec_pitch_free(pitch);
  return status;
}
