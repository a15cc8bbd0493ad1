/* Another voice from C: converts a recording.
 *
 *   convert MODEL PITCH VOICE IN OUT.wav
 */
#include <contentvec/c.h>
#include <stdio.h>

static int failed(const char* doing) {
  fprintf(stderr, "cannot %s: %s\n", doing, contentvec_last_error());
  return 1;
}

int main(int argc, char** argv) {
  contentvec_model* model = NULL;
  contentvec_pitch* pitch = NULL;
  contentvec_voice* voice = NULL;
  contentvec_converter* converter = NULL;
  contentvec_audio* in = NULL;
  contentvec_audio* out = NULL;
  int result = 1;
  if (argc != 6) return fprintf(stderr, "usage: convert MODEL PITCH VOICE IN OUT.wav\n"), 2;
  if (contentvec_model_load(argv[1], NULL, &model) != CONTENTVEC_OK)
    failed("load the model");
  else if (contentvec_pitch_load(argv[2], NULL, &pitch) != CONTENTVEC_OK)
    failed("load the pitch estimator");
  else if (contentvec_voice_load(argv[3], 0, NULL, &voice) != CONTENTVEC_OK)
    failed("load the voice");
  else if (contentvec_converter_new(model, pitch, voice, NULL, &converter) != CONTENTVEC_OK)
    failed("join them");
  else if (contentvec_audio_load(argv[4], &in) != CONTENTVEC_OK)
    failed("read the recording");
  else if (contentvec_convert(converter, contentvec_audio_waveform(in), contentvec_audio_samples(in),
                              contentvec_audio_rate(in), NULL, &out) != CONTENTVEC_OK)
    failed("convert it");
  else if (contentvec_audio_save(out, argv[5], CONTENTVEC_PCM16) != CONTENTVEC_OK)
    failed("write the result");
  else
    result = 0;
  contentvec_audio_free(out);
  contentvec_audio_free(in);
  contentvec_converter_free(converter);
  contentvec_voice_free(voice);
  contentvec_pitch_free(pitch);
  contentvec_model_free(model);
  return result;
}
