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
 * people in this thread, contentvec_last_error(), and every result as it was. No exception leaves
 * the library.
 * - Handles are opaque. Each is made by one function and freed by its contentvec_..._free, which takes NULL
 * too. A handle may be used from any number of threads at once; freeing it must be the last thing done with
 * it.
 * - What a function is given stays the caller's, and is not kept beyond the call unless it says so. A pointer
 * that a function returns belongs to the handle it came from, and lives as long.
 * - Structs begin with their size, so that they can grow: contentvec_..._init(&options, sizeof options) fills
 * in the defaults. Where options are taken, NULL stands for these.
 * - Callbacks are called from inside the call they were given to, from its thread unless they say otherwise.
 * They must not throw, longjmp out, or free the handle they are called for.
 * - Text is UTF-8, ending with a zero byte. Waveforms are mono, 16,000 samples a second, nominally in [-1,
 * 1], finite, and never clipped. Features are row-major: features[frame * dim + channel].
 * - Names are contentvec_THING_VERB: model, index, audio today. Enumerators and functions are added, never
 * changed in meaning within a minor version. */

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
  /* the input, the file or the machine does not allow it; the message says what to do */
  CONTENTVEC_ERROR = 1,
  /* a mistake of the calling program: a null pointer, a size, an unknown enumerator */
  CONTENTVEC_INVALID_ARGUMENT = 2,
  CONTENTVEC_OUT_OF_MEMORY = 3,
  /* by the caller's abort flag, or a callback that asked for it */
  CONTENTVEC_ABORTED = 4,
  /* a mistake of the library */
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
  /* right to float32 rounding of the reference */
  CONTENTVEC_F32 = 0,
  /* half the memory, faster where the processor has an instruction for it; about three digits */
  CONTENTVEC_BF16 = 1,
  /* MLX only; about three digits and a half */
  CONTENTVEC_F16 = 2
};

typedef int32_t contentvec_device;
enum {
  CONTENTVEC_CPU = 0,
  /* MLX's GPU on Apple silicon where the build has MLX, else the CPU */
  CONTENTVEC_AUTO = 1,
  /* Apple's MLX: its GPU where there is one, else its own CPU kernels */
  CONTENTVEC_MLX = 2,
  /* MLX on its GPU */
  CONTENTVEC_GPU = 3
};

/* Whether a model can run there: *available becomes 1 or 0, and `description` (may be NULL) what it is, or
 * why not and what to do, cut to `capacity` bytes with the ending zero. Any thread. */
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
 * total -1 where that is not known. Returning anything but 0 ends the call with CONTENTVEC_ABORTED. `what`
 * lives for the call only. */
typedef int32_t (*contentvec_progress)(void* user, const char* what, int64_t done, int64_t total);

/* A message that is no failure: 0 is information, 1 a warning. A whole sentence without a line's end; lives
 * for the call only. */
typedef void (*contentvec_log)(void* user, int32_t level, const char* message);

/* Runs the library's loops on the caller's threads. Must call task(context, index) for every index in [0,
 * tasks), each once, on any threads, at once or one after the other, this one among them or not, and return
 * when all have returned. Called hundreds of times in one extraction, 20 to 200 microseconds apart, from the
 * thread that extracts; from several at once where several extract. */
typedef void (*contentvec_run_tasks)(void* user, int32_t tasks, void (*task)(void* context, int32_t index),
                                     void* context);

/* Fills `into` with `count` bytes of a file from `offset` on; returns 0, or anything else where it cannot.
 * The range is always inside the file. Called from any thread, one call at a time. */
typedef int32_t (*contentvec_read_at)(void* user, uint64_t offset, void* into, size_t count);

/* ---- Models ---- */

typedef struct contentvec_model contentvec_model;

typedef struct contentvec_load_options {
  /* of this struct */
  size_t size;
  /* default: CONTENTVEC_F32 */
  contentvec_dtype dtype;
  /* default: CONTENTVEC_CPU */
  contentvec_device device;
  /* of one extraction: 1 is the caller's thread alone, which then does all the work; 0: one per CPU that this
   * process may use. At most 1024. With run_tasks: how many tasks at most */
  int32_t threads;
  /* 1: make no request to the hub */
  int32_t local_files_only;
  /* the architecture, whatever the file says (ModelConfig::from_json); NULL: the file's */
  const char* config_json;
  /* branch, tag or commit; NULL: as the name says, else "main" */
  const char* hub_revision;
  /* NULL: huggingface_hub's own */
  const char* hub_cache_dir;
  /* NULL: from the environment; "" for none */
  const char* hub_token;
  /* NULL: threads of the library's own. Kept with the model: must work until it is freed */
  contentvec_run_tasks run_tasks;
  void* run_tasks_user;
  /* of a download; NULL: none */
  contentvec_progress progress;
  /* takes the warnings; NULL: see contentvec_model_warning() */
  contentvec_log log;
  /* for progress and log */
  void* user;
  /* ends a download; looked at before the weights are packed; NULL: none */
  const contentvec_abort_flag* abort;
} contentvec_load_options;

/* Fills in the defaults, of a struct of `size` bytes. */
CONTENTVEC_API void contentvec_load_options_init(contentvec_load_options* options, size_t size);

/* Loads a model: `spec` is a file, a Hugging Face folder, or a name of the hub, as Model::load in
 * contentvec/model.h says; NULL is the default model. The caller frees *model. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_load(const char* spec,
                                                       const contentvec_load_options* options,
                                                       contentvec_model** model);

/* The same from a checkpoint file in memory, which is needed only until the function returns. `name` (NULL:
 * "memory") stands for it in messages. */
CONTENTVEC_API contentvec_status contentvec_model_load_memory(const void* file, size_t size, const char* name,
                                                              const contentvec_load_options* options,
                                                              contentvec_model** model);

/* The same from a checkpoint file of `size` bytes that `read` reads in parts: one in a plug-in's own
 * resources, or encrypted. */
CONTENTVEC_API contentvec_status contentvec_model_load_callbacks(contentvec_read_at read, void* user,
                                                                 uint64_t size, const char* name,
                                                                 const contentvec_load_options* options,
                                                                 contentvec_model** model);

/* Not while a call with the model runs. */
CONTENTVEC_API void contentvec_model_free(contentvec_model* model);

typedef struct contentvec_model_info {
  size_t size;
  /* floats of a frame: 768 for base */
  int32_t dim;
  /* with final_proj: 256; 0 where the model has none */
  int32_t final_dim;
  /* layer goes from 1 to this */
  int32_t layers;
  /* of the speaker embedding that extraction needs; 0: it takes none */
  int32_t speaker_dim;
  /* 1: waveforms are brought to zero mean and unit variance, as its checkpoint says */
  int32_t normalizes;
  /* of one extraction; 0 on MLX */
  int32_t threads;
  /* samples of the shortest waveform: 400 for base */
  int64_t receptive_field;
  /* samples between frames: 320 for base, 20 ms */
  int64_t hop;
  int64_t parameters;
  /* the path or name it came from; this and the texts below belong to the model */
  const char* source;
  /* "safetensors", "torch zip", "torch legacy" or "synthetic" */
  const char* container;
  /* "fairseq", "hf", "mlx", "torchaudio" or "soft-vc" */
  const char* layout;
  const char* kind;
  /* what it computes with, such as "avx2" */
  const char* isa;
  /* its architecture, as config_json in contentvec_load_options takes it */
  const char* config_json;
} contentvec_model_info;

/* Fills `info`, whose size field the caller has set to sizeof(contentvec_model_info). Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_get_info(const contentvec_model* model,
                                                           contentvec_model_info* info);

/* The warning `index` of loading, from 0; NULL after the last. Belongs to the model. Any thread. */
CONTENTVEC_API const char* contentvec_model_warning(const contentvec_model* model, size_t index);

/* Frames of a waveform of `samples` samples: floor((samples - receptive_field) / hop) + 1, or 0. Any thread,
 * any time. */
CONTENTVEC_API int64_t contentvec_model_frames_for(const contentvec_model* model, int64_t samples);

/* Takes all the memory that extracting a waveform of up to `max_samples` samples needs, and starts the
 * threads, by extracting silence of that length: after it an extraction of one waveform as long or shorter
 * takes no memory on the CPU, the first included, of up to 16 stages. `calls` is how many extractions will
 * run at once, at least 1. Takes as long as that many extractions. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_prepare(const contentvec_model* model, int64_t max_samples,
                                                          int32_t calls);

/* A layer that is none of the blocks'. */
enum {
  /* after the feature projection */
  CONTENTVEC_LAYER_PROJECTED = 0,
  /* the model's output */
  CONTENTVEC_LAYER_OUTPUT = -1
};

/* One thing to extract: RVC v2 is layer 12, RVC v1 layer 9 with final_proj. Has no size field: it will not
 * grow. */
typedef struct contentvec_stage {
  /* 1 .. layers, or one of the two above */
  int32_t layer;
  /* 1: apply final_proj to it */
  int32_t final_proj;
} contentvec_stage;

enum { CONTENTVEC_NORMALIZE_AUTO = 0, CONTENTVEC_NORMALIZE_ON = 1, CONTENTVEC_NORMALIZE_OFF = 2 };

typedef struct contentvec_extract_options {
  size_t size;
  /* default: CONTENTVEC_LAYER_OUTPUT without final_proj; where one stage is extracted */
  contentvec_stage stage;
  /* CONTENTVEC_NORMALIZE_AUTO: as the checkpoint says */
  int32_t normalize;
  /* [speaker_dim] for a model that needs one (in a batch also [utterances, speaker_dim]) */
  const float* speaker_embedding;
  /* floats of it; 0 for every other model */
  int64_t speaker_embedding_size;
  /* looked at before each block, some milliseconds apart; NULL: none */
  const contentvec_abort_flag* abort;
  /* in frames, of contentvec_model_extract_long only, after each piece; NULL: none */
  contentvec_progress progress;
  /* for progress */
  void* user;
} contentvec_extract_options;

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
 * `max_seconds` (0: 60) that are each given `overlap_seconds` of context; contentvec/long_audio.h says more.
 * Takes memory for a piece. Any thread. */
CONTENTVEC_API contentvec_status contentvec_model_extract_long(const contentvec_model* model,
                                                               const float* waveform, int64_t samples,
                                                               double max_seconds, double overlap_seconds,
                                                               const contentvec_extract_options* options,
                                                               float* features, int64_t capacity);

/* ---- Audio ---- */

/* A decoded file. */
typedef struct contentvec_audio contentvec_audio;

/* Decodes a file to 16 kHz mono, as read_audio in contentvec/audio.h says; "-" is the standard input. The
 * caller frees *audio. Any thread. */
CONTENTVEC_API contentvec_status contentvec_audio_load(const char* path, contentvec_audio** audio);
/* The same of a file in memory; `name` (NULL: "memory") stands for it in messages. */
CONTENTVEC_API contentvec_status contentvec_audio_load_memory(const void* file, size_t size, const char* name,
                                                              contentvec_audio** audio);
/* `count` samples at `from_rate` Hz (1 to 1,000,000), resampled to 16 kHz. */
CONTENTVEC_API contentvec_status contentvec_audio_resample(const float* waveform, int64_t count,
                                                           int32_t from_rate, contentvec_audio** audio);
CONTENTVEC_API const float* contentvec_audio_waveform(const contentvec_audio* audio);
CONTENTVEC_API int64_t contentvec_audio_samples(const contentvec_audio* audio);
/* The file's own rate, in Hz. */
CONTENTVEC_API int32_t contentvec_audio_source_rate(const contentvec_audio* audio);
/* The warning `index`, from 0; NULL after the last. */
CONTENTVEC_API const char* contentvec_audio_warning(const contentvec_audio* audio, size_t index);
CONTENTVEC_API void contentvec_audio_free(contentvec_audio* audio);

/* ---- Retrieval: RVC's index, as contentvec/retriever.h says ---- */

typedef struct contentvec_index contentvec_index;

/* Opens an added_*.index. The caller frees *index. Any thread. */
CONTENTVEC_API contentvec_status contentvec_index_open(const char* path, contentvec_index** index);
/* Builds one from `count` vectors of `dim` floats, row-major, at least 39; with `threads` threads (0: one per
 * CPU). `log` (may be NULL) is told each step. */
CONTENTVEC_API contentvec_status contentvec_index_build(const float* vectors, int64_t count, int64_t dim,
                                                        int32_t threads, contentvec_log log, void* user,
                                                        contentvec_index** index);
/* The same from all .npy files of a folder. */
CONTENTVEC_API contentvec_status contentvec_index_build_from_folder(const char* folder, int32_t threads,
                                                                    contentvec_log log, void* user,
                                                                    contentvec_index** index);
/* Vectors, floats of each, lists (0: a Flat index). */
CONTENTVEC_API int64_t contentvec_index_size(const contentvec_index* index);
CONTENTVEC_API int64_t contentvec_index_dim(const contentvec_index* index);
CONTENTVEC_API int64_t contentvec_index_lists(const contentvec_index* index);
/* Draws `frames` frames of contentvec_index_dim floats towards their nearest vectors, in place; `rate` is in
 * 0 .. 1, `nprobe` 0 or how many lists a search looks through. Any thread. Takes memory. */
CONTENTVEC_API contentvec_status contentvec_index_blend(const contentvec_index* index, float* features,
                                                        int64_t frames, float rate, int64_t nprobe);
/* Writes it as FAISS does; the file appears whole or not at all. */
CONTENTVEC_API contentvec_status contentvec_index_save(const contentvec_index* index, const char* path);
CONTENTVEC_API void contentvec_index_free(contentvec_index* index);

#ifdef __cplusplus
}
#endif

#endif
