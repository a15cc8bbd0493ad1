#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contentvec/device.h"
#include "contentvec/export.h"
#include "contentvec/hub.h"
#include "contentvec/model.h"
#include "contentvec/threads.h"

namespace contentvec {

/// A voice as people share it: its file, and the index made from the same recordings.
struct VoiceSource {
  std::string voice;                 ///< For Voice::load(): a path, PACK.zip/ENTRY, or a `synthetic:` spec.
  std::optional<std::string> index;  ///< For Retriever::open(): a path, or PACK.zip/ENTRY.
  std::vector<std::string> warnings = {};  ///< Whole sentences, such as that the hub did not answer.
};

/// Finds the voice that `spec` means, and its index, downloading what is missing. `spec` is what Voice::load() takes;
/// an index is looked for where it is not a single file but
///   - a folder or a .zip with one voice in it (.pth or .safetensors, in it or in folders inside it, the outermost
///     first; discriminators, D_*.pth, do not count, and training checkpoints, G_*.pth, only where there is nothing
///     else), and beside it at most one index (added_*.index; trained_*.index, which have no vectors, do not count);
///   - a repository of the Hugging Face hub with the same in it, or with one .zip.
/// Nothing is opened but zip files, and these are not unpacked. Safe to call from any number of threads at once. Throws
/// Error where there is none, or several: it lists them.
CONTENTVEC_API VoiceSource find_voice(const std::string& spec, const HubOptions& hub = {});

/// How Voice::load() sets a voice up.
struct VoiceLoadOptions {
  /// Threads of one synthesis; 0: one for each CPU that this process may use.
  int threads = 0;
  /// kF32 or kBF16.
  DType dtype = DType::kF32;
  /// Runs the loops of a synthesis on the caller's threads; empty: on threads of the library's.
  RunTasks run_tasks = {};
  /// For a voice named after the Hugging Face hub.
  HubOptions hub = {};
  /// Samples per second of a training checkpoint (G_*.pth), which does not say: 32000, 40000 or 48000. Empty: as a
  /// pretrained generator's name says (f0G40k.pth), or RVC's config.json beside it. Where the file says, it must be
  /// that.
  std::optional<int> sample_rate = {};
};

/// What a voice's file says.
struct VoiceInfo {
  std::string source;       ///< The path or spec it came from.
  std::string version;      ///< "v1" (features of 256 values) or "v2" (768).
  int sample_rate = 0;      ///< Hz, of what it synthesizes.
  bool pitch = true;        ///< Whether it takes a pitch.
  int64_t feature_dim = 0;  ///< Values of each frame of features: 256 or 768.
  /// Which of a ContentVec model's features it takes: for v2 the output, which is layer 12 of base; for v1 layer 9 with
  /// final_proj, or the output with it where Applio trained the voice.
  Stage stage = {};
  int64_t speakers = 0;           ///< That it can be, numbered from 0.
  int64_t samples_per_frame = 0;  ///< Samples synthesized for each frame of 10 ms.
  int64_t parameters = 0;         ///< Of what inference needs.
  std::map<std::string, std::string>
      notes;  ///< What else the file says: "info", "author", "model_name", "epoch" ...
  std::vector<std::string> warnings;  ///< Whole sentences: what a user should know of this file.
};

/// What is to be said, how high, and by whom. Spans stay the caller's.
struct VoiceInput {
  /// Features of 10 ms each, [frames, feature_dim], row-major: every frame of a model's twice.
  std::span<const float> features = {};
  /// [frames]: the pitch in Hz, 0 where unvoiced; empty for a voice without pitch.
  std::span<const float> f0 = {};
  int64_t speaker = 0;
  /// The noise that makes a synthesis: the same seed gives the same samples on every machine, but for what the
  /// instruction set rounds. `piece` tells the pieces of a cut recording apart; -1: it is not cut.
  uint64_t seed = 0;
  int64_t piece = -1;
  /// Noise in place of the seed's, standard normal: [frames - head, inter_channels], where head is
  /// max(skip_frames - 24, 0), and [kept frames * samples_per_frame] for a voice with pitch. Empty: the seed's. For
  /// tests, and programs with noise of their own.
  std::span<const float> latent_noise = {};
  std::span<const float> source_noise = {};

  /// Real time: `keep_frames` frames from `skip_frames` on are synthesized, with those before as context. -1: all.
  int64_t skip_frames = 0;
  int64_t keep_frames = -1;
  /// They are stretched to so many frames, at most 16 times as many, linearly, which shifts the formants. -1: not.
  int64_t stretch_to = -1;
  /// So many of the first frames are of before anything was heard: they have not even the pitch of unvoiced ones.
  int64_t unheard_frames = 0;
  /// Times f0, in the source alone: as much as frames are stretched keeps the pitch that f0 says. 1/16 to 16.
  double source_pitch = 1;

  /// So many of the frames that come out, at the beginning and at the end, are not asked for: the result goes without
  /// their samples, and is otherwise the same, bit for bit, in less time. At least one frame must be left.
  int64_t drop_first = 0;
  int64_t drop_last = 0;

  /// Called from the calling thread several times in a synthesis with the part of it that is done, 0 to 1. May throw:
  /// that ends it, and passes through.
  std::function<void(double done)> progress = {};
};

/// A voice: RVC's synthesizer (a VITS decoder with a harmonic source), content features and pitch in, waveform out.
///
/// Loaded once, then immutable: every member is const and may be called from any number of threads at once. Copies
/// share the weights. A result depends on the voice and the input alone, not on threads or what ran before, bit for
/// bit. Memory is bounded by a tile of about a second in the generator, besides some kilobytes for each frame.
///
/// Sources: VITS (Kim et al. 2021, arXiv:2106.06103), HiFi-GAN (Kong et al. 2020, arXiv:2010.05646), the neural source
/// filter (Wang et al. 2019), as RVC WebUI's infer/vc/models.py computes them.
class Voice {
 public:
  /// Opens a voice. `spec` is
  ///   - an RVC v1 or v2 voice (.pth), with or without pitch, of RVC WebUI or Applio, in any of the forms of torch's
  ///     files; a training checkpoint (G_*.pth) with VoiceLoadOptions::sample_rate;
  ///   - a safetensors file with the same names, or mlx-rvc's NAME.safetensors with NAME.json beside it;
  ///   - a folder or a .zip with one such file in it, or PACK.zip/ENTRY;
  ///   - a name or address on the Hugging Face hub of one of these, as Model::load() takes them;
  ///   - `synthetic:CONFIG.json[:SEED]`: made-up weights of the architecture in that file.
  /// Throws Error when it cannot be opened, is damaged, or is something else, which the error then names.
  CONTENTVEC_API static Voice load(const std::string& spec, const VoiceLoadOptions& options = {});

  [[nodiscard]] CONTENTVEC_API const VoiceInfo& info() const;
  [[nodiscard]] CONTENTVEC_API int threads() const;

  /// Samples at info().sample_rate, nominally in [-1, 1]: samples_per_frame for each frame that is asked for. Throws
  /// Error for input that does not fit the voice, and for values that are not finite.
  [[nodiscard]] CONTENTVEC_API std::vector<float> synthesize(const VoiceInput& input) const;

  /// The samples that synthesize() gives. Throws what it does.
  [[nodiscard]] CONTENTVEC_API int64_t samples(const VoiceInput& input) const;
  /// The same into memory of the caller's: exactly samples(input). For callers that synthesize inputs of one shape
  /// again and again: after the first, no memory is taken. What `audio` holds after an Error is not said.
  CONTENTVEC_API void synthesize_into(const VoiceInput& input, std::span<float> audio) const;

 private:
  class Impl;
  explicit Voice(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// What Voice::load() would load: the same checks but for the weights' values, without building a voice.
CONTENTVEC_API VoiceInfo inspect_voice(const std::string& spec, const VoiceLoadOptions& options = {});

/// Whether `spec` holds an RVC voice, sound or not, as the names of its tensors tell: a file, folder or zip file of
/// this machine, or a `synthetic:` spec. False for whatever cannot be opened. Any thread may ask.
CONTENTVEC_API bool is_voice(const std::string& spec);

/// How blend_voices() goes about it.
struct BlendOptions {
  /// How much of each voice, none below 0; divided by their sum. Empty: as much of each.
  std::vector<double> weights = {};
  DType dtype = DType::kF32;            ///< Of the file's values: kF32 or kF16.
  std::optional<int> sample_rate = {};  ///< As VoiceLoadOptions::sample_rate.
  HubOptions hub = {};                  ///< For voices named after the Hugging Face hub.
};

/// Writes a voice between others to a safetensors file, which Voice::load() opens: what RVC calls model fusion. Every
/// tensor is the weighted mean of the voices' own, weight norm's length and direction each by itself, as RVC has it;
/// where some of the voices have a layer's norm multiplied out, it is taken apart again. Of speakers, as many as all
/// voices have are kept. The file appears whole or not at all; little more than one tensor is in memory at a time.
///
/// Returns what the file says, with a warning where speakers are lost. Throws Error for fewer than two voices, for
/// voices of different versions, sample rates or architectures, and what Voice::load() and writing throw.
///
/// Source: RVC WebUI's train/process_ckpt.py, merge().
CONTENTVEC_API VoiceInfo blend_voices(const std::vector<std::string>& voices,
                                      const std::filesystem::path& out, const BlendOptions& options = {});

}  // namespace contentvec
