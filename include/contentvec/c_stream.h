/* Conversion as it is spoken, block by block: the part of contentvec/c.h that is contentvec/stream.h. Either header may
 * be included; each includes the other. */
#ifndef CONTENTVEC_C_STREAM_H
#define CONTENTVEC_C_STREAM_H

#include "contentvec/c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A stream: a block of samples in, the block that is heard out. contentvec_stream_process is for one thread at a time;
 * where nothing else is said, the other functions may be called from other threads meanwhile. */
typedef struct contentvec_stream contentvec_stream;

/* How much a block hears of what was before it. */
typedef int32_t contentvec_stream_quality;
enum {
  /* What RVC's real-time program computes. */
  CONTENTVEC_STREAM_EXACT = 0,
  /* Features of a shorter context, whose convolutions are kept: half the time (docs/real-time.md). */
  CONTENTVEC_STREAM_FAST = 1
};

/* What stays as it is; StreamOptions in contentvec/stream.h says more of each. Lengths are rounded to 10 ms. */
typedef struct contentvec_stream_options {
  /* Bytes of this struct. */
  size_t size;
  /* Hz of what goes in and comes out, a multiple of 100; 48000 unless it is set. */
  int32_t rate;
  contentvec_stream_quality quality;
  /* Milliseconds: 250, 2500, 50, 10 and 750 unless they are set. */
  double block_ms;
  double extra_ms;
  double crossfade_ms;
  double search_ms;
  double fast_context_ms;
  /* As in contentvec_pitch_options. */
  double pitch_threshold;
  /* Of the noise. */
  uint64_t seed;
} contentvec_stream_options;

/* What may change while a stream runs; StreamSettings in contentvec/stream.h says more of each. */
typedef struct contentvec_stream_settings {
  /* Bytes of this struct. */
  size_t size;
  /* Semitones up. */
  double key;
  double formant;
  /* Of the voice's speakers. */
  int64_t speaker;
  /* How much of the features comes from the index, 0 to 1; 0.75 unless it is set. */
  float index_rate;
  /* How much of that stays in frames without pitch, 0 to 0.5; 0.5, all of it, unless it is set. */
  float protect;
  /* 1, unless it is set: the loudness of the voice; 0: the input's. */
  float rms_mix_rate;
  contentvec_unvoiced unvoiced;
  /* 10 ms that are less loud are silence to the voice; dB, -60 (none are), unless it is set, to 0. */
  double gate_db;
  /* Not 0: the input is heard, as late as the voice would be. */
  int32_t bypass;
  /* Not 0: steady noise is taken out of what is spoken, or of what the voice makes of it; neither makes it later. */
  int32_t denoise_input;
  int32_t denoise_output;
} contentvec_stream_settings;

/* How a stream has been running. */
typedef struct contentvec_stream_stats {
  /* Bytes of this struct. */
  size_t size;
  /* Blocks; of these the ones that came out silent since their computation failed, and those that took longer than
   * they last. */
  int64_t blocks;
  int64_t failed;
  int64_t underruns;
  /* What a block took, in milliseconds. */
  double last_ms;
  double mean_ms;
  double p99_ms;
  double worst_ms;
  /* By so many samples the last block begins later. */
  int64_t sola_offset;
  /* Root mean square of the last block, 0 to 1. */
  float input_level;
  float output_level;
  /* Hz, the pitch of the last voiced frame of the input; 0: none is. */
  float f0;
} contentvec_stream_stats;

/* Fill in the defaults of a struct of `size` bytes, sizeof *options and sizeof *settings. Any thread. */
CONTENTVEC_API void contentvec_stream_options_init(contentvec_stream_options* options, size_t size);
CONTENTVEC_API void contentvec_stream_settings_init(contentvec_stream_settings* settings, size_t size);

/* Makes a stream and computes a block of silence, so that the first is as fast as all others. `pitch` may be NULL for a
 * voice without pitch, `index`, `options` and `settings` in any case. It shares the parts' weights, and they may be
 * freed at once. The caller frees *stream. Any thread. */
CONTENTVEC_API contentvec_status contentvec_stream_new(
    const contentvec_model* model, const contentvec_pitch* pitch, const contentvec_voice* voice,
    const contentvec_index* index, const contentvec_stream_options* options,
    const contentvec_stream_settings* settings, contentvec_stream** stream);
/* Frees it; NULL is nothing. Must not be called while a call with it runs. */
CONTENTVEC_API void contentvec_stream_free(contentvec_stream* stream);

/* Samples of a block, and from when a sample is there to when it is heard (block, crossfade and search; not what
 * computing and the sound card take); 0 for NULL. */
CONTENTVEC_API int64_t contentvec_stream_block(const contentvec_stream* stream);
CONTENTVEC_API int64_t contentvec_stream_latency(const contentvec_stream* stream);

/* Converts a block: `samples`, which must be contentvec_stream_block, mono samples nominally in [-1, 1]; `in` and `out`
 * may be the same. Takes no memory (but with an index: FAISS does) and waits for no lock. CONTENTVEC_ERROR: the block
 * is silent, and the stream goes on. */
CONTENTVEC_API contentvec_status contentvec_stream_process(contentvec_stream* stream, const float* in,
                                                           float* out, int64_t samples);
/* Forgets what it heard. Not while contentvec_stream_process runs. */
CONTENTVEC_API contentvec_status contentvec_stream_reset(contentvec_stream* stream);

/* The settings, of which `settings->size` bytes are filled in, and new ones, which count from the next block on. After
 * a failure the former stay. */
CONTENTVEC_API contentvec_status contentvec_stream_get_settings(const contentvec_stream* stream,
                                                                contentvec_stream_settings* settings);
CONTENTVEC_API contentvec_status contentvec_stream_set_settings(contentvec_stream* stream,
                                                                const contentvec_stream_settings* settings);
/* Speaks with another voice from the next block on, with its index or NULL. Computes a block of silence with it first,
 * in the calling thread. */
CONTENTVEC_API contentvec_status contentvec_stream_set_voice(contentvec_stream* stream,
                                                             const contentvec_voice* voice,
                                                             const contentvec_index* index);

/* How it has been running, of which `stats->size` bytes are filled in. */
CONTENTVEC_API contentvec_status contentvec_stream_get_stats(const contentvec_stream* stream,
                                                             contentvec_stream_stats* stats);

#ifdef __cplusplus
}
#endif

#endif
