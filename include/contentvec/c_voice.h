/* Pitch, voices and conversion: the part of contentvec/c.h that is contentvec/pitch.h, voice.h and converter.h. Either
 * header may be included; each includes the other. */
#include "contentvec/c.h" /* first: it has all that follows, in its order */

#ifndef CONTENTVEC_C_VOICE_H
#define CONTENTVEC_C_VOICE_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Pitch, as contentvec/pitch.h says ---- */

/* An estimator of the pitch of a voice: its weights and what it needs to compute. Immutable. */
typedef struct contentvec_pitch contentvec_pitch;

/* Which of the two that RVC uses. */
typedef int32_t contentvec_pitch_method;
enum {
  /* A U-Net with a GRU behind it; robust against music and noise. */
  CONTENTVEC_RMVPE = 0,
  /* Convolutions alone; several times as fast. */
  CONTENTVEC_FCPE = 1
};

/* Loads an estimator: `spec` is a file with RMVPE's or FCPE's weights, torchfcpe's wheel or a name of the hub,
 * as PitchEstimator::load says; NULL is "rmvpe". Of the options `config_json` must be NULL, and the device
 * CONTENTVEC_CPU or CONTENTVEC_AUTO, which is the CPU. The caller frees *pitch. Any thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_load(const char* spec,
                                                       const contentvec_load_options* options,
                                                       contentvec_pitch** pitch);

/* The same from a file of weights of `size` bytes in memory, which is needed only until the function returns.
 * `name` (NULL: "memory") stands for it in messages. Any thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_load_memory(const void* file, size_t size, const char* name,
                                                              const contentvec_load_options* options,
                                                              contentvec_pitch** pitch);

/* The same from one that `read` reads in parts. `read` is not called after the function has returned. Any
 * thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_load_callbacks(contentvec_read_at read, void* user,
                                                                 uint64_t size, const char* name,
                                                                 const contentvec_load_options* options,
                                                                 contentvec_pitch** pitch);

/* Frees an estimator and its threads; NULL is nothing. Must not be called while a call with it runs. */
CONTENTVEC_API void contentvec_pitch_free(contentvec_pitch* pitch);

/* What an estimator is. */
typedef struct contentvec_pitch_info {
  /* Bytes of this struct. */
  size_t size;
  /* CONTENTVEC_RMVPE or CONTENTVEC_FCPE. */
  contentvec_pitch_method method;
  /* Threads of one estimate. */
  int32_t threads;
  /* Samples of the shortest waveform: 513 for RMVPE, 1 for FCPE. */
  int64_t least_samples;
  /* Samples between frames: 160, which are 10 ms. */
  int64_t hop;
  /* The path or name it came from. Belongs to the estimator. */
  const char* source;
} contentvec_pitch_info;

/* Fills `info`, whose size field the caller has set to sizeof(contentvec_pitch_info). Any thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_get_info(const contentvec_pitch* pitch,
                                                           contentvec_pitch_info* info);

/* Frames of a waveform of `samples` samples: samples / 160 + 1, or 0 for less than least_samples. Any thread.
 */
CONTENTVEC_API int64_t contentvec_pitch_frames_for(const contentvec_pitch* pitch, int64_t samples);

/* How the pitch is estimated. */
typedef struct contentvec_pitch_options {
  /* Bytes of this struct. */
  size_t size;
  /* A frame is voiced where the largest salience is above this, below 1; 0 (the default) is the method's own:
   * 0.03 for RMVPE, 0.006 for FCPE. */
  double threshold;
  /* Ends the call; it is looked at before each layer. May be NULL. */
  const contentvec_abort_flag* abort;
  /* Told of frames after each piece of a recording and each recording of a batch; may be NULL. */
  contentvec_progress progress;
  /* For progress. */
  void* user;
} contentvec_pitch_options;

/* Fills in the defaults of a struct of `size` bytes, sizeof *options. Any thread. */
CONTENTVEC_API void contentvec_pitch_options_init(contentvec_pitch_options* options, size_t size);

/* The pitch of one waveform of `samples` samples, of any length from least_samples on: into f0, Hz and 0 where
 * unvoiced, and into confidence (may be NULL), the frame's largest salience, 0 to 1. Both hold exactly
 * `capacity` = frames_for(samples) floats. Any thread; any number at once. What they hold after a failure is
 * not said. */
CONTENTVEC_API contentvec_status contentvec_pitch_estimate(const contentvec_pitch* pitch,
                                                           const float* waveform, int64_t samples,
                                                           const contentvec_pitch_options* options, float* f0,
                                                           float* confidence, int64_t capacity);

/* A batch of waveforms of any lengths, short ones side by side on the threads: f0[i] and confidence[i] (any of
 * these, or confidence itself, may be NULL) hold capacities[i] floats, exactly the frames of waveform i. Each
 * result is bit for bit what the waveform alone gives. Any thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_estimate_batch(const contentvec_pitch* pitch,
                                                                 const float* const* waveforms,
                                                                 const int64_t* samples, size_t recordings,
                                                                 const contentvec_pitch_options* options,
                                                                 float* const* f0, float* const* confidence,
                                                                 const int64_t* capacities);

/* Fills unvoiced frames (0) in place: linearly between their voiced neighbours, the ends held, as RVC does. Any
 * thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_interpolate(float* f0, int64_t frames);
/* f0 times 2^(semitones / 12), in place; -120 to 120 semitones. Any thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_shift(float* f0, int64_t frames, double semitones);
/* The pitch as RVC's synthesizer takes it, 1 to 255, into `coarse`, which holds `frames` of them. Any thread. */
CONTENTVEC_API contentvec_status contentvec_pitch_coarse(const float* f0, int64_t frames, int64_t* coarse);

/* ---- Voices, as contentvec/voice.h says ---- */

/* A voice, RVC's synthesizer: its weights and what it needs to compute. Immutable. */
typedef struct contentvec_voice contentvec_voice;

/* Loads a voice: `spec` is an RVC or Applio .pth, safetensors, a folder or .zip with one, or a name of the hub, as
 * Voice::load says. `sample_rate`: of a training checkpoint, which does not say; else 0. Of the options `config_json`
 * must be NULL, and the device CONTENTVEC_CPU or CONTENTVEC_AUTO, which is the CPU. The caller frees *voice. Any
 * thread. */
CONTENTVEC_API contentvec_status contentvec_voice_load(const char* spec, int32_t sample_rate,
                                                       const contentvec_load_options* options,
                                                       contentvec_voice** voice);

/* Frees a voice and its threads; NULL is nothing. Must not be called while a call with it runs. */
CONTENTVEC_API void contentvec_voice_free(contentvec_voice* voice);

/* What a voice is. */
typedef struct contentvec_voice_info {
  /* Bytes of this struct. */
  size_t size;
  /* 1: its features have 256 values; 2: 768. */
  int32_t version;
  /* Hz, of what it synthesizes. */
  int32_t sample_rate;
  /* 1 where it takes a pitch. */
  int32_t pitch;
  /* Threads of one synthesis. */
  int32_t threads;
  /* Values of each frame of features. */
  int64_t feature_dim;
  /* Speakers that it can be, numbered from 0. */
  int64_t speakers;
  /* Samples for each frame of 10 ms. */
  int64_t samples_per_frame;
  /* Of its weights. */
  int64_t parameters;
  /* The path or name it came from. Belongs to the voice. */
  const char* source;
  /* Which of a model's features it takes: of version 2 the output, which is layer 12; of version 1 layer 9 with
   * final_proj, or the output with it where Applio trained the voice. */
  contentvec_stage stage;
} contentvec_voice_info;

/* Fills `info`, whose size field the caller has set to sizeof(contentvec_voice_info). Any thread. */
CONTENTVEC_API contentvec_status contentvec_voice_get_info(const contentvec_voice* voice,
                                                           contentvec_voice_info* info);
/* The warning `index` of loading, from 0; NULL after the last. Belongs to the voice. Any thread. */
CONTENTVEC_API const char* contentvec_voice_warning(const contentvec_voice* voice, size_t index);

/* How frames are synthesized. */
typedef struct contentvec_synthesis_options {
  /* Bytes of this struct. */
  size_t size;
  /* Of the voice's speakers. */
  int64_t speaker;
  /* Of the noise: the same seed gives the same samples. */
  uint64_t seed;
  /* Frames before those that are synthesized, as context; and how many are: 0 is all that follow. */
  int64_t skip_frames;
  int64_t keep_frames;
  /* They are stretched to so many, which shifts the formants; 0: not. */
  int64_t stretch_to;
  /* Ends the call; may be NULL. */
  const contentvec_abort_flag* abort;
} contentvec_synthesis_options;

/* Fills in the defaults of a struct of `size` bytes, sizeof *options. Any thread. */
CONTENTVEC_API void contentvec_synthesis_options_init(contentvec_synthesis_options* options, size_t size);

/* Synthesizes `frames` frames of 10 ms: `features` are frames * feature_dim floats, each frame of a model's twice, and
 * `f0` their pitch in Hz, 0 where unvoiced (NULL for a voice without pitch). `samples` holds exactly `capacity` floats:
 * samples_per_frame for each frame that is kept, after stretching. Takes memory. Any thread; any number at once. What
 * they hold after a failure is not said. */
CONTENTVEC_API contentvec_status contentvec_voice_synthesize(const contentvec_voice* voice,
                                                             const float* features, int64_t frames,
                                                             const float* f0,
                                                             const contentvec_synthesis_options* options,
                                                             float* samples, int64_t capacity);

/* ---- Conversion, as contentvec/converter.h says ---- */

/* A model, a pitch estimator, a voice and perhaps an index: recording in, another voice out. Immutable. */
typedef struct contentvec_converter contentvec_converter;

/* Makes a converter. `pitch` may be NULL for a voice without pitch and where each conversion brings a curve of its own;
 * `index` may be NULL. It shares their weights, and they may be freed at once, or used further, by other converters
 * too. The caller frees *converter. Any thread. */
CONTENTVEC_API contentvec_status contentvec_converter_new(const contentvec_model* model,
                                                          const contentvec_pitch* pitch,
                                                          const contentvec_voice* voice,
                                                          const contentvec_index* index,
                                                          contentvec_converter** converter);
/* Frees it; NULL is nothing. Must not be called while a call with it runs. */
CONTENTVEC_API void contentvec_converter_free(contentvec_converter* converter);

/* Frames without pitch. */
typedef int32_t contentvec_unvoiced;
enum {
  /* Get their neighbours', as in RVC since July 2026. */
  CONTENTVEC_UNVOICED_INTERPOLATE = 0,
  /* Stay without, as in RVC before and in Applio. */
  CONTENTVEC_UNVOICED_KEEP = 1
};

/* How a recording is converted; ConvertOptions in contentvec/converter.h says more of each. */
typedef struct contentvec_convert_options {
  /* Bytes of this struct. */
  size_t size;
  /* Semitones up. */
  double key;
  /* Of the voice's speakers. */
  int64_t speaker;
  /* How much of the features comes from the index, 0 to 1; 0.75 unless it is set. */
  float index_rate;
  /* How much of that stays in frames without pitch, 0 to 0.5; 0.33 unless it is set. */
  float protect;
  /* Lists of the index to search; 0: as it says. */
  int64_t nprobe;
  /* 1, unless it is set: the loudness of the voice; 0: the recording's. */
  float rms_mix_rate;
  contentvec_unvoiced unvoiced;
  /* As in contentvec_pitch_options. */
  double pitch_threshold;
  /* A pitch of the caller's own for each 10 ms, Hz, 0 where unvoiced; NULL: the estimator's. */
  const float* f0;
  int64_t f0_frames;
  /* Semitones up. */
  double formant;
  /* Milliseconds at the cuts of a long recording. */
  double crossfade_ms;
  /* Of the noise. */
  uint64_t seed;
  /* Hz; 0: the voice's own. */
  int32_t output_rate;
  /* Ends the call; may be NULL. */
  const contentvec_abort_flag* abort;
  /* Told of "permille" that are done; may be NULL. */
  contentvec_progress progress;
  /* For progress. */
  void* user;
} contentvec_convert_options;

/* Fills in the defaults of a struct of `size` bytes, sizeof *options. Any thread. */
CONTENTVEC_API void contentvec_convert_options_init(contentvec_convert_options* options, size_t size);

/* Converts `samples` samples, mono, at `rate` Hz (1000 to 1,000,000): at least 25 ms. The caller frees *converted,
 * whose waveform may exceed [-1, 1] by a little: contentvec_audio_save scales it. Any thread; any number at once. */
CONTENTVEC_API contentvec_status contentvec_convert(const contentvec_converter* converter,
                                                    const float* waveform, int64_t samples, int32_t rate,
                                                    const contentvec_convert_options* options,
                                                    contentvec_audio** converted);

#ifdef __cplusplus
}
#endif

#endif
