/* Another voice from C: converts a recording.
 *
 *   convert MODEL PITCH VOICE IN OUT.wav
 */
#include <contentvec/c.h>
#include <stdio.h>
#include <stdlib.h>

static void must(contentvec_status status, const char* what) {
  if (status == CONTENTVEC_OK) return;
  fprintf(stderr, "cannot %s: %s\n", what, contentvec_last_error());
  exit(1);
}

int main(int argc, char** argv) {
  contentvec_model* model;
  contentvec_pitch* pitch;
  contentvec_voice* voice;
  contentvec_converter* converter;
  contentvec_audio *in, *out;
  if (argc != 6) return fprintf(stderr, "usage: convert MODEL PITCH VOICE IN OUT.wav\n"), 2;
  must(contentvec_model_load(argv[1], NULL, &model), "load the model");
  must(contentvec_pitch_load(argv[2], NULL, &pitch), "load the pitch estimator");
  must(contentvec_voice_load(argv[3], 0, NULL, &voice), "load the voice");
  must(contentvec_converter_new(model, pitch, voice, NULL, &converter), "join them");
  must(contentvec_audio_load(argv[4], &in), "read the recording");
  must(contentvec_convert(converter, contentvec_audio_waveform(in), contentvec_audio_samples(in),
                          contentvec_audio_rate(in), NULL, &out),
       "convert it");
  must(contentvec_audio_save(out, argv[5], CONTENTVEC_PCM16), "write the result");
  contentvec_audio_free(out);
  contentvec_audio_free(in);
  contentvec_converter_free(converter);
  contentvec_voice_free(voice);
  contentvec_pitch_free(pitch);
  contentvec_model_free(model);
  return 0;
}
