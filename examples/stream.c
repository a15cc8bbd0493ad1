/* A voice as it is spoken, from C: a recording goes through a stream block by block.
 *
 *   stream MODEL PITCH VOICE IN OUT.wav
 *
 * Recordings are read at 16 kHz, and so OUT.wav is of 16 kHz, too. A program's stream has its device's rate, such as
 * 48000.
 */
#include <contentvec/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char* doing) {
  fprintf(stderr, "cannot %s: %s\n", doing, contentvec_last_error());
  return 1;
}

/* In a plug-in or a driver's callback this is all there is to do with each block. */
static int run(contentvec_stream* stream, const float* in, float* out, int64_t samples) {
  const int64_t block = contentvec_stream_block(stream);
  for (int64_t begin = 0; begin + block <= samples; begin += block)
    if (contentvec_stream_process(stream, in + begin, out + begin, block) != CONTENTVEC_OK)
      return failed("convert a block");
  return 0;
}

/* The recording, and silence behind it until all of it has been heard, in whole blocks. */
static int stream_through(contentvec_stream* stream, const contentvec_audio* in, const char* path) {
  const int64_t block = contentvec_stream_block(stream);
  const int64_t samples = contentvec_audio_samples(in);
  const int64_t padded = (samples + contentvec_stream_latency(stream) + block - 1) / block * block;
  float* waveform = calloc((size_t)padded, sizeof *waveform);
  contentvec_audio* out = NULL;
  int result = 1;
  if (waveform == NULL) return fprintf(stderr, "out of memory\n"), 1;
  memcpy(waveform, contentvec_audio_waveform(in), (size_t)samples * sizeof *waveform);
  if (run(stream, waveform, waveform, padded) == 0) {
    if (contentvec_audio_new(waveform, padded, contentvec_audio_rate(in), &out) != CONTENTVEC_OK ||
        contentvec_audio_save(out, path, CONTENTVEC_PCM16) != CONTENTVEC_OK)
      failed("write the result");
    else
      result = 0;
  }
  contentvec_audio_free(out);
  free(waveform);
  return result;
}

int main(int argc, char** argv) {
  contentvec_model* model = NULL;
  contentvec_pitch* pitch = NULL;
  contentvec_voice* voice = NULL;
  contentvec_audio* in = NULL;
  contentvec_stream* stream = NULL;
  contentvec_stream_options options;
  int result = 1;
  if (argc != 6) return fprintf(stderr, "usage: stream MODEL PITCH VOICE IN OUT.wav (of 16 kHz)\n"), 2;
  contentvec_stream_options_init(&options, sizeof options);
  options.quality = CONTENTVEC_STREAM_FAST;
  if (contentvec_model_load(argv[1], NULL, &model) != CONTENTVEC_OK)
    failed("load the model");
  else if (contentvec_pitch_load(argv[2], NULL, &pitch) != CONTENTVEC_OK)
    failed("load the pitch estimator");
  else if (contentvec_voice_load(argv[3], 0, NULL, &voice) != CONTENTVEC_OK)
    failed("load the voice");
  else if (contentvec_audio_load(argv[4], &in) != CONTENTVEC_OK)
    failed("read the recording");
  else if (options.rate = contentvec_audio_rate(in),
           contentvec_stream_new(model, pitch, voice, NULL, &options, NULL, &stream) != CONTENTVEC_OK)
    failed("make the stream");
  else
    result = stream_through(stream, in, argv[5]);
  contentvec_stream_free(stream);
  contentvec_audio_free(in);
  contentvec_voice_free(voice);
  contentvec_pitch_free(pitch);
  contentvec_model_free(model);
  return result;
}
