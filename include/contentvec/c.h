#ifndef CONTENTVEC_C_H
#define CONTENTVEC_C_H

/* contentvec for C, and for every language that calls C: C99 and later.
 *
 *   contentvec_model* model = NULL;
 *   if (contentvec_model_load("hubert_base.pt", NULL, &model) != CONTENTVEC_OK) {
 *     puts(contentvec_last_error());
 *   }
 *   int64_t size = contentvec_model_frames_for(model, samples) * 768;
 *   float* features = malloc((size_t)size * sizeof(float));
 *   contentvec_model_extract(model, waveform, samples, NULL, features, size);
 *   contentvec_model_free(model);
 *
 * What holds for all of it:
 * - A function that can fail returns a contentvec_status. Anything but CONTENTVEC_OK leaves a message for
 *   people in this thread, contentvec_last_error(), and every handle, size and struct it would have given as
 *   it was. No exception leaves the library.
 * - Handles are opaque. Each is made by one function and freed by its contentvec_..._free, which takes NULL
 *   too. A handle may be used from any number of threads at once; freeing it must be the last thing done with
 *   it.
 * - What a function is given stays the caller's, and is not kept beyond the call unless it says so. A pointer
 *   that a function returns belongs to the handle it came from, and lives as long.
 * - Structs begin with their size, so that they can grow: contentvec_..._init(&options, sizeof options) fills
 *   in the defaults. Where options are taken, NULL stands for these.
 * - Callbacks are called from inside the call they were given to, from its thread unless they say otherwise.
 *   They must not throw, longjmp out, or free the handle they are called for. `user` is handed to them as it
 *   is.
 * - Text is UTF-8, ending with a zero byte. Waveforms are mono, 16,000 samples a second, nominally between -1
 *   and 1, finite, and never clipped. Features are row-major: features[frame * dim + channel].
 * - Names are contentvec_THING_VERB: model, pitch, voice, converter, index, audio today. Enumerators and
 *   functions are added, never changed in meaning within a minor version. */

#include <stddef.h>
#include <stdint.h>

#include "contentvec/export.h"
#include "contentvec/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status, version, devices ---- */

typedef int32_t contentvec_status;
enum {
  CONTENTVEC_OK = 0,
  /* The input, the file or the machine does not allow it; the message says what to do. */
  CONTENTVEC_ERROR = 1,
  /* A mistake of the calling program: a null pointer, a size, an unknown enumerator. */
  CONTENTVEC_INVALID_ARGUMENT = 2,
  CONTENTVEC_OUT_OF_MEMORY = 3,
  /* The caller's abort flag, or a callback, asked for it. */
  CONTENTVEC_ABORTED = 4,
  /* A mistake of the library. */
  CONTENTVEC_INTERNAL = 5
};

/* What went wrong in this thread's last call that failed; "" before any did. Lives until the next call of
 * this thread that fails. Any thread. */
CONTENTVEC_API const char* contentvec_last_error(void);

/* The library's version, "MAJOR.MINOR.PATCH", and as the number CONTENTVEC_VERSION_NUMBER. Lives for ever.
 * Any thread. */
CONTENTVEC_API const char* contentvec_version(void);
CONTENTVEC_API int32_t contentvec_version_number(void);

/* What weights are kept in and products computed from; all else is float32. */
typedef int32_t contentvec_dtype;
enum {
  /* float32: right to float32 rounding of the reference. */
  CONTENTVEC_F32 = 0,
  /* bfloat16: half the memory, faster where the processor has an instruction for it; about three digits. */
  CONTENTVEC_BF16 = 1,
  /* float16, on MLX only: half the memory; about three digits and a half. */
  CONTENTVEC_F16 = 2,
  /* float32 with products in TF32, on MLX with CUDA only; about three digits. For all models of a process or
   * for none. */
  CONTENTVEC_TF32 = 3
};

/* Where a model runs. */
typedef int32_t contentvec_device;
enum {
  /* This library's own kernels. */
  CONTENTVEC_CPU = 0,
  /* MLX's GPU where the build has MLX and the machine a GPU it can use, else the CPU. */
  CONTENTVEC_AUTO = 1,
  /* Apple's MLX: its GPU where there is one, else its own CPU kernels. */
  CONTENTVEC_MLX = 2,
  /* MLX on its GPU; an error where there is none. */
  CONTENTVEC_GPU = 3
};

/* Whether a model can run on `device`: *available becomes 1 or 0, and `description` (may be NULL) what it is,
 * or why not and what to do, cut to `capacity` bytes with the ending zero. Any thread. */
CONTENTVEC_API contentvec_status contentvec_device_available(contentvec_device device, int32_t* available,
                                                             char* description, size_t capacity);

/* ---- What callers may hand in ---- */

/* A flag that ends a call from another thread. Setting, clearing and reading it is safe from any thread and
 * from a signal handler. One flag may serve any number of calls; it must outlive them. */
typedef struct contentvec_abort_flag contentvec_abort_flag;
CONTENTVEC_API contentvec_status contentvec_abort_flag_new(contentvec_abort_flag** flag);
CONTENTVEC_API void contentvec_abort_flag_set(contentvec_abort_flag* flag, int32_t aborted);
CONTENTVEC_API void contentvec_abort_flag_free(contentvec_abort_flag* flag);

/* How far a call is: `done` of `total`, in units that `what` names ("bytes of model.safetensors", "frames");
 * `total` is -1 where that is not known. Returning anything but 0 ends the call with CONTENTVEC_ABORTED.
 * `what` lives for the call only. */
typedef int32_t (*contentvec_progress)(void* user, const char* what, int64_t done, int64_t total);

/* A message that is no failure: `level` 0 is information, 1 a warning. The message is a whole sentence
 * without a line's end, and lives for the call only. */
typedef void (*contentvec_log)(void* user, int32_t level, const char* message);

/* Runs the library's loops on the caller's threads. It must call task(context, index) for every index from 0
 * to tasks - 1, each once, on any threads, at once or one after the other, this one among them or not, and
 * return when all have returned. It is called hundreds of times in one extraction, 20 to 200 microseconds
 * apart, from the thread that extracts, and from several at once where several extract. */
typedef void (*contentvec_run_tasks)(void* user, int32_t tasks, void (*task)(void* context, int32_t index),
                                     void* context);

/* Fills `into` with `count` bytes of a file from byte `offset` on; returns 0, or anything else where it
 * cannot. The range is always inside the file. It is called from any thread, one call at a time. */
typedef int32_t (*contentvec_read_at)(void* user, uint64_t offset, void* into, size_t count);

/* ---- Models ---- */

/* A model: its weights and what it needs to compute. Immutable once it is loaded. */
typedef struct contentvec_model contentvec_model;

/* How a model is loaded. */
typedef struct contentvec_load_options {
  /* Bytes of this struct. */
  size_t size;
  /* CONTENTVEC_F32 unless it is set. */
  contentvec_dtype dtype;
  /* CONTENTVEC_CPU unless it is set. */
  contentvec_device device;
  /* Threads of one extraction, at most 1024: 1 is the caller's thread alone, which then does all the work,
   * and 0 (the default) one per CPU that this process may use. With run_tasks, how many tasks at most. */
  int32_t threads;
  /* 1 makes no request to the hub. */
  int32_t local_files_only;
  /* The architecture, whatever the file says, as ModelConfig::from_json takes it; NULL leaves it to the file.
   * */
  const char* config_json;
  /* A branch, tag or commit of the hub; NULL is the one in the name, else "main". */
  const char* hub_revision;
  /* The folder of downloaded models; NULL is huggingface_hub's own. */
  const char* hub_cache_dir;
  /* The hub's token; NULL takes it from the environment, and "" sends none. */
  const char* hub_token;
  /* Where loops run; NULL is on threads of the library's own. It is kept with the model, and must work until
   * the model is freed. */
  contentvec_run_tasks run_tasks;
  /* For run_tasks. */
  void* run_tasks_user;
  /* Told how far a download is; may be NULL. */
  contentvec_progress progress;
  /* Takes the warnings; may be NULL, contentvec_model_warning() has them too. */
  contentvec_log log;
  /* For progress and log. */
  void* user;
  /* Ends a download, and loading before the weights are packed; may be NULL. */
  const contentvec_abort_flag* abort;
} contentvec_load_options;

/* Fills in the defaults of a struct of `size` bytes, sizeof *options. Any thread. */
CONTENTVEC_API void contentvec_load_options_init(contentvec_load_options* options, size_t size);

/* Loads a model: `spec` is a file, a Hugging Face folder, or a name of the hub, as Model::load in
 * contentvec/model.h says; NULL is the default model. The caller frees *model. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_load(const char* spec,
                                                       const contentvec_load_options* options,
                                                       contentvec_model** model);

/* The same from a checkpoint file of `size` bytes in memory, which is needed only until the function returns.
 * `name` (NULL: "memory") stands for it in messages. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_load_memory(const void* file, size_t size, const char* name,
                                                              const contentvec_load_options* options,
                                                              contentvec_model** model);

/* The same from a checkpoint file of `size` bytes that `read` reads in parts, such as one in a plug-in's own
 * resources, or an encrypted one. `read` is not called after the function has returned. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_load_callbacks(contentvec_read_at read, void* user,
                                                                 uint64_t size, const char* name,
                                                                 const contentvec_load_options* options,
                                                                 contentvec_model** model);

/* Frees a model and its threads; NULL is nothing. Must not be called while a call with the model runs. */
CONTENTVEC_API void contentvec_model_free(contentvec_model* model);

/* What a model is. */
typedef struct contentvec_model_info {
  /* Bytes of this struct. */
  size_t size;
  /* Floats of a frame: 768 for base. */
  int32_t dim;
  /* Floats of a frame with final_proj: 256 for base; 0 where the model has none. */
  int32_t final_dim;
  /* Transformer blocks; a stage's layer goes from 1 to this. */
  int32_t layers;
  /* Floats of the speaker embedding that extraction needs; 0 where it takes none. */
  int32_t speaker_dim;
  /* 1 where waveforms are brought to zero mean and unit variance, as the checkpoint says. */
  int32_t normalizes;
  /* Threads of one extraction; 0 on MLX, which has its own. */
  int32_t threads;
  /* Where it runs: CONTENTVEC_CPU, CONTENTVEC_GPU, or CONTENTVEC_MLX: MLX on its own CPU kernels. */
  contentvec_device device;
  /* Samples of the shortest waveform: 400 for base. */
  int64_t receptive_field;
  /* Samples between frames: 320 for base, which are 20 ms. */
  int64_t hop;
  /* Elements of the weights. */
  int64_t parameters;
  /* The path or name it came from. This and the texts below belong to the model. */
  const char* source;
  /* "safetensors", "torch zip", "torch legacy" or "synthetic". */
  const char* container;
  /* "fairseq", "hf", "mlx", "torchaudio" or "soft-vc". */
  const char* layout;
  /* "ContentVec", "HuBERT", "wav2vec 2.0", or "not told by the file". */
  const char* kind;
  /* The instruction set it computes with, such as "avx2"; "" on MLX. */
  const char* isa;
  /* Its architecture, as config_json in contentvec_load_options takes it. */
  const char* config_json;
} contentvec_model_info;

/* Fills `info`, whose size field the caller has set to sizeof(contentvec_model_info). Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_get_info(const contentvec_model* model,
                                                           contentvec_model_info* info);

/* The warning `index` of loading, from 0; NULL after the last. Belongs to the model. Any thread. */
CONTENTVEC_API const char* contentvec_model_warning(const contentvec_model* model, size_t index);

/* Frames of a waveform of `samples` samples: floor((samples - receptive_field) / hop) + 1, or 0 where that is
 * less. Any thread. */
CONTENTVEC_API int64_t contentvec_model_frames_for(const contentvec_model* model, int64_t samples);

/* Takes all the memory that extracting a waveform of up to `max_samples` samples needs, and starts the
 * threads, by extracting silence of that length: after it an extraction of one waveform as long or shorter
 * takes no memory on the CPU, the first included, of up to 16 stages. `calls` is how many extractions will
 * run at once, at least 1. Takes as long as that many extractions. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_prepare(const contentvec_model* model, int64_t max_samples,
                                                          int32_t calls);

/* Stages that are no block's output, where a layer's number stands. */
enum {
  /* What the feature projection gives, before the positional convolution. */
  CONTENTVEC_LAYER_PROJECTED = 0,
  /* The model's output: the last block's, after the final LayerNorm where the model has one. */
  CONTENTVEC_LAYER_OUTPUT = -1
};

/* One thing to extract: RVC v2 takes layer 12, RVC v1 layer 9 with final_proj. It has no size field, since it
 * will not grow. */
typedef struct contentvec_stage {
  /* 1 to the number of layers, or one of the two above. */
  int32_t layer;
  /* 1 applies final_proj to it, which makes it final_dim wide. */
  int32_t final_proj;
} contentvec_stage;

/* Whether a waveform is brought to zero mean and unit variance first; AUTO does as the checkpoint says. */
enum { CONTENTVEC_NORMALIZE_AUTO = 0, CONTENTVEC_NORMALIZE_ON = 1, CONTENTVEC_NORMALIZE_OFF = 2 };

/* What is extracted, and how. */
typedef struct contentvec_extract_options {
  /* Bytes of this struct. */
  size_t size;
  /* What to extract where one stage is extracted; CONTENTVEC_LAYER_OUTPUT without final_proj unless it is
   * set. */
  contentvec_stage stage;
  /* CONTENTVEC_NORMALIZE_AUTO unless it is set. */
  int32_t normalize;
  /* [speaker_dim] floats for a model that needs them, in a batch also [utterances, speaker_dim], row-major;
   * NULL for every other model. */
  const float* speaker_embedding;
  /* Floats of the speaker embedding. */
  int64_t speaker_embedding_size;
  /* Ends the call; it is looked at before each block, some milliseconds apart. May be NULL. */
  const contentvec_abort_flag* abort;
  /* Told of frames after each piece, by contentvec_model_extract_long only; may be NULL. */
  contentvec_progress progress;
  /* For progress. */
  void* user;
} contentvec_extract_options;

/* Fills in the defaults of a struct of `size` bytes, sizeof *options. Any thread. */
CONTENTVEC_API void contentvec_extract_options_init(contentvec_extract_options* options, size_t size);

/* Features of one waveform of `samples` samples, at least the receptive field, into `features`, which holds
 * exactly `capacity` = frames_for(samples) * dim floats (final_dim with final_proj). Any thread; any number
 * at once. Takes no memory once the model is prepared for this length. What `features` holds after a failure
 * is not said. */
CONTENTVEC_API contentvec_status contentvec_model_extract(const contentvec_model* model,
                                                          const float* waveform, int64_t samples,
                                                          const contentvec_extract_options* options,
                                                          float* features, int64_t capacity);

/* Several stages in one pass: features[i] holds capacities[i] floats, exactly those of stages[i].
 * options->stage is not looked at. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_extract_stages(
    const contentvec_model* model, const float* waveform, int64_t samples, const contentvec_stage* stages,
    size_t stage_count, const contentvec_extract_options* options, float* const* features,
    const int64_t* capacities);

/* A batch of waveforms of any lengths, several stages of each: features[utterance * stage_count + stage],
 * capacities likewise. Each result is bit for bit what the waveform alone gives (on MLX: but for rounding).
 * Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_extract_batch(
    const contentvec_model* model, const float* const* waveforms, const int64_t* samples, size_t utterances,
    const contentvec_stage* stages, size_t stage_count, const contentvec_extract_options* options,
    float* const* features, const int64_t* capacities);

/* As contentvec_model_extract, for a recording of any length, cut at quiet points into pieces of at most
 * `max_seconds` (0: 60) that are each given `overlap_seconds` of context on either side;
 * contentvec/long_audio.h says more. Takes memory for a piece. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_extract_long(const contentvec_model* model,
                                                               const float* waveform, int64_t samples,
                                                               double max_seconds, double overlap_seconds,
                                                               const contentvec_extract_options* options,
                                                               float* features, int64_t capacity);

/* ---- Audio ---- */

/* Decoded, resampled or converted audio: mono; 16 kHz but for what a converter gives. Immutable. */
typedef struct contentvec_audio contentvec_audio;

/* Decodes a file to 16 kHz mono, as read_audio in contentvec/audio.h says; "-" is the standard input. The
 * caller frees *audio. Any thread. */
CONTENTVEC_API contentvec_status contentvec_audio_load(const char* path, contentvec_audio** audio);
/* The same of a file of `size` bytes in memory, which is needed only until the function returns; `name`
 * (NULL: "memory") stands for it in messages. Any thread. */
CONTENTVEC_API contentvec_status contentvec_audio_load_memory(const void* file, size_t size, const char* name,
                                                              contentvec_audio** audio);
/* Resamples `count` samples at `from_rate` Hz (1 to 1,000,000) to 16 kHz. The caller frees *audio. Any
 * thread. */
CONTENTVEC_API contentvec_status contentvec_audio_resample(const float* waveform, int64_t count,
                                                           int32_t from_rate, contentvec_audio** audio);
/* A copy of `count` mono samples at `rate` Hz (1 to 1,000,000), to be saved. The caller frees *audio. Any thread. */
CONTENTVEC_API contentvec_status contentvec_audio_new(const float* waveform, int64_t count, int32_t rate,
                                                      contentvec_audio** audio);
/* The samples, and how many they are. They belong to the audio. Any thread. */
CONTENTVEC_API const float* contentvec_audio_waveform(const contentvec_audio* audio);
CONTENTVEC_API int64_t contentvec_audio_samples(const contentvec_audio* audio);
/* Samples per second of contentvec_audio_waveform. Any thread. */
CONTENTVEC_API int32_t contentvec_audio_rate(const contentvec_audio* audio);
/* The sample rate of the file, or of what was resampled or converted, in Hz. Any thread. */
CONTENTVEC_API int32_t contentvec_audio_source_rate(const contentvec_audio* audio);
/* The warning `index` of decoding, from 0; NULL after the last. Belongs to the audio. Any thread. */
CONTENTVEC_API const char* contentvec_audio_warning(const contentvec_audio* audio, size_t index);
/* How samples are written. */
typedef int32_t contentvec_encoding;
enum {
  /* 16 bits; all are scaled down where the largest exceeds 0.99, as RVC does. */
  CONTENTVEC_PCM16 = 0,
  /* 24 bits, in the same way. */
  CONTENTVEC_PCM24 = 1,
  /* As they are, in float32. */
  CONTENTVEC_FLOAT = 2
};

/* Writes a .wav or .flac file, as write_audio in contentvec/audio.h says; it appears whole or not at all. Any
 * thread. */
CONTENTVEC_API contentvec_status contentvec_audio_save(const contentvec_audio* audio, const char* path,
                                                       contentvec_encoding encoding);
/* Frees it; NULL is nothing. */
CONTENTVEC_API void contentvec_audio_free(contentvec_audio* audio);

/* ---- Retrieval: RVC's index, as contentvec/retriever.h says ---- */

/* Feature vectors and the search for the nearest of them. Immutable. */
typedef struct contentvec_index contentvec_index;

/* Opens an added_*.index, all of which is read into memory. The caller frees *index. Any thread. */
CONTENTVEC_API contentvec_status contentvec_index_open(const char* path, contentvec_index** index);
/* Builds one from `count` vectors (at least 39) of `dim` floats, row-major, within +-1e16, with `threads`
 * threads (0: one per CPU that this process may use). `log` (may be NULL) is told each step. The caller frees
 * *index. Any thread. */
CONTENTVEC_API contentvec_status contentvec_index_build(const float* vectors, int64_t count, int64_t dim,
                                                        int32_t threads, contentvec_log log, void* user,
                                                        contentvec_index** index);
/* The same from all .npy files of a folder, [frames, dim] each. */
CONTENTVEC_API contentvec_status contentvec_index_build_from_folder(const char* folder, int32_t threads,
                                                                    contentvec_log log, void* user,
                                                                    contentvec_index** index);
/* How many vectors there are, floats of each, and lists (0 for a Flat index). Any thread. */
CONTENTVEC_API int64_t contentvec_index_size(const contentvec_index* index);
CONTENTVEC_API int64_t contentvec_index_dim(const contentvec_index* index);
CONTENTVEC_API int64_t contentvec_index_lists(const contentvec_index* index);
/* Draws `frames` frames of contentvec_index_dim floats towards their nearest vectors, in place: `rate`, 0 to
 * 1, is how much of each comes from the index, and `nprobe` how many lists a search looks through (0: as the
 * index says). A failure leaves the features as they were. Takes memory. Any thread. */
CONTENTVEC_API contentvec_status contentvec_index_blend(const contentvec_index* index, float* features,
                                                        int64_t frames, float rate, int64_t nprobe);
/* Writes it as FAISS does; the file appears whole or not at all. Any thread. */
CONTENTVEC_API contentvec_status contentvec_index_save(const contentvec_index* index, const char* path);
/* Frees it; NULL is nothing. */
CONTENTVEC_API void contentvec_index_free(contentvec_index* index);

#ifdef __cplusplus
}
#endif

#include "contentvec/c_voice.h"

#include "contentvec/c_stream.h"

#endif
