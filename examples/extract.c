/* Content features from C: prints their shape and the first values.
 *
 *   extract MODEL [AUDIO]      without AUDIO a second of a tone
 */
#include <contentvec/c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char* doing) {
  fprintf(stderr, "cannot %s: %s\n", doing, contentvec_last_error());
  return 1;
}

static void make_tone(float* waveform, int64_t samples) {
  int64_t i;
  for (i = 0; i < samples; ++i) waveform[i] = 0.1F * (float)sin(0.1 * (double)i);
}

static int extract(const contentvec_model* model, const float* waveform, int64_t samples) {
  contentvec_model_info info;
  int64_t frames = contentvec_model_frames_for(model, samples);
  int64_t size;
  float* features;
  contentvec_status status;

  info.size = sizeof info;
  if (contentvec_model_get_info(model, &info) != CONTENTVEC_OK) return failed("describe the model");
  size = frames * info.dim;
  features = malloc((size_t)size * sizeof *features);
  if (features == NULL) return 1;
  status = contentvec_model_extract(model, waveform, samples, NULL, features, size);
  if (status == CONTENTVEC_OK) {
    printf("[%ld, %ld] %.4f %.4f ...\n", (long)frames, (long)info.dim, (double)features[0],
           (double)features[1]);
  }
  free(features);
  return status == CONTENTVEC_OK ? 0 : failed("extract");
}

int main(int argc, char** argv) {
  contentvec_model* model = NULL;
  int result;
  if (argc < 2) {
    fprintf(stderr, "usage: extract MODEL [AUDIO]\n");
    return 2;
  }
  if (contentvec_model_load(argv[1], NULL, &model) != CONTENTVEC_OK) return failed("load the model");
  if (argc > 2) {
    contentvec_audio* audio = NULL;
    if (contentvec_audio_load(argv[2], &audio) != CONTENTVEC_OK) {
      contentvec_model_free(model);
      return failed("read the audio");
    }
    result = extract(model, contentvec_audio_waveform(audio), contentvec_audio_samples(audio));
    contentvec_audio_free(audio);
  } else {
    static float tone[16000];
    make_tone(tone, 16000);
    result = extract(model, tone, 16000);
  }
  contentvec_model_free(model);
  return result;
}
