#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/config.h"
#include "contentvec/device.h"
#include "contentvec/export.h"
#include "contentvec/hub.h"
#include "contentvec/threads.h"

namespace contentvec {

/// Where a layer number stands, 1 to ModelConfig::total_layers() are the outputs of the transformer blocks.
/// Two numbers stand for other stages: kProjected for what the feature projection gives, before the
/// positional convolution, and kModelOutput for the model's output, which is the last block's, after the
/// final LayerNorm where the model is a pre-norm one.
inline constexpr int kProjected = 0;
inline constexpr int kModelOutput = -1;

/// Whether to bring the waveform to zero mean and unit variance before the model; kAuto does as the
/// checkpoint says (ModelConfig::normalize).
enum class Normalize { kAuto, kOn, kOff };
/// What `normalize` comes to with a model of this configuration.
[[nodiscard]] CONTENTVEC_API bool normalises(const ModelConfig& config, Normalize normalize);

/// Seconds of audio that go through a model together: a larger batch goes in several passes, and a longer recording is
/// cut where nothing else is asked for (long_audio.h), so that memory stays bounded. On a GPU a pass is up to about
/// 160 s, as its memory has room.
inline constexpr double kPassSeconds = 60;

/// One thing to return: RVC v2 takes layer 12, RVC v1 layer 9 with final_proj.
struct Stage {
  int layer = kModelOutput;  ///< 1 to total_layers(), kProjected or kModelOutput.
  bool final_proj = false;   ///< Apply final_proj to it, which makes it final_dim wide.
  bool operator==(const Stage&) const = default;
};

/// A checkpoint file that is not on the disk: in a program's resources, encrypted, or in memory.
struct VirtualFile {
  std::string name = "memory";  ///< Stands for it in errors.
  uint64_t size = 0;            ///< Bytes.
  /// Fills `part` from `offset` on, always inside the file; may throw. Called from any thread, one call at a
  /// time, until the model is loaded.
  std::function<void(uint64_t offset, std::span<std::byte> part)> read = {};
};

/// The file whose bytes these are. They are not copied, and must live until the model is loaded.
[[nodiscard]] CONTENTVEC_API VirtualFile file_in_memory(std::span<const std::byte> bytes,
                                                        std::string name = "memory");

/// How a model is loaded.
struct LoadOptions {
  std::optional<ModelConfig> config = {};  ///< Use this architecture, whatever the checkpoint says.
  /// Threads of one extraction on the CPU, up to kMaxThreads; 0 is one per CPU that this process may use. MLX
  /// has threads of its own.
  int threads = 0;
  DType dtype = DType::kF32;     ///< What weights are kept in and products computed from.
  Device device = Device::kCpu;  ///< Where the model runs.
  /// Runs the loops of an extraction, at most `threads` tasks at once; where it is empty they run on threads
  /// of the library's own. It is kept with the model.
  RunTasks run_tasks = {};
  HubOptions hub = {};  ///< For a model named after the Hugging Face hub.
  /// Told, once and from the calling thread, that MLX is compiling its kernels for this machine, where that takes an
  /// extraction longer than two seconds; a whole sentence. It must not throw. It is kept with the model.
  std::function<void(const std::string& notice)> notice = {};
};

/// What is extracted, and how.
struct ExtractOptions {
  int layer = kModelOutput;                ///< As Stage::layer; ignored where stages are listed.
  bool final_proj = false;                 ///< As Stage::final_proj; ignored where stages are listed.
  Normalize normalize = Normalize::kAuto;  ///< Whether the waveform is normalised first.
  /// [speaker_dim] floats for a speaker-conditioned model, in a batch also [batch, speaker_dim], row-major;
  /// empty for every other model. They stay the caller's.
  std::span<const float> speaker_embedding = {};
  /// For a window that moves through a recording, one waveform at a time, on the CPU:
  /// what it is a part of, by whose level conv 0's GroupNorm then goes (where the model has one), so that features do
  /// not waver with the window; empty: the window itself. At least a frame of the model's.
  std::span<const float> around = {};
  /// The projected stage of its first frames, [known frames, encoder_embed_dim], from when an earlier window had them
  /// (kProjected): they are taken as they are, and the convolutions computed for the frames behind alone. Each frame is
  /// of its own hop() samples on and no others, but for `around` and rounding. Empty: none is known. Both stay the
  /// caller's.
  std::span<const float> projected = {};
  /// Called from the calling thread several times in a pass: before the convolutions and before each block on
  /// the CPU, before each bucket of utterances on MLX. It may throw, which ends the extraction and passes
  /// through to the caller.
  std::function<void()> poll = {};
};

/// Features of one utterance, row-major: data[frame * dim + channel]. There is one frame for every
/// ModelConfig::hop() samples, which are 20 ms for base.
struct Features {
  int64_t frames = 0;
  int64_t dim = 0;          ///< Channels of a frame.
  std::vector<float> data;  ///< frames * dim values.
  /// One frame's channels; `frame` is in 0 .. frames - 1, which is not checked.
  [[nodiscard]] std::span<const float> row(int64_t frame) const {
    return std::span(data).subspan(static_cast<size_t>(frame * dim), static_cast<size_t>(dim));
  }
};

/// What a checkpoint is, for people.
struct ModelInfo {
  std::string source;     ///< The path or spec it came from.
  std::string container;  ///< "safetensors", "torch zip", "torch legacy" or "synthetic".
  std::string layout;     ///< Whose tensor names it uses: "fairseq", "hf", "mlx", "torchaudio" or "soft-vc".
  std::string kind;       ///< "ContentVec", "HuBERT", "wav2vec 2.0", or "not told by the file".
  ModelConfig config;     ///< The architecture; its final_dim is 0 where there is no final_proj.
  std::string config_source;       ///< Where the architecture was read from.
  std::string normalize_source;    ///< Where config.normalize was read from.
  bool feature_projection = true;  ///< There is a linear layer between the convolutions and the blocks.
  int64_t tensors = 0;             ///< Tensors of the file that the model uses.
  int64_t parameters = 0;          ///< Their elements.
  int64_t bytes = 0;               ///< The size of the file at `source`; 0 where there is no one file.
  /// The digest of the file at `source`, in hexadecimal. Only inspect() computes it; it is empty where there
  /// is no one file, and in a build without the hub.
  std::string sha256;
  std::vector<std::string> warnings;  ///< Whole sentences, such as which tensors were not recognised.
};

/// A HuBERT / ContentVec model: 16 kHz waveform in, content features out.
///
/// Loaded once, then immutable: every member is const and may be called from any number of threads at once.
/// Copies share the weights. On the CPU every result depends on the model and that utterance only: not on the
/// batch, the number of threads, or what ran before; bit for bit. On MLX what else is in a batch can change a
/// result by rounding, and no more (docs/gpu.md).
///
/// Source: fairseq's HuBERT (Hsu et al. 2021, arXiv:2106.07447) and ContentVec (Qian et al. 2022,
/// arXiv:2204.09224), computed in float32; docs/validation.md says how far it is from their float64 results.
class Model {
 public:
  /// Opens a checkpoint. `spec` is
  ///   - a file: .safetensors, or PyTorch's .pt / .pth / .bin (zip or pre-1.6), in fairseq's, Hugging Face's,
  ///     mlx-contentvec's, torchaudio's or soft-VC's tensor names; nothing in it is ever executed;
  ///   - a directory in Hugging Face's form (config.json beside model.safetensors or pytorch_model.bin);
  ///   - a model on the Hugging Face hub, `org/repo`, `org/repo/file` or a name of known_models(), each also
  ///     with `@revision`, downloaded when it is not in the cache yet; see resolve() in contentvec/hub.h;
  ///   - `synthetic:base[:SEED]` or `synthetic:CONFIG.json[:SEED]`: deterministic made-up weights of that
  ///     architecture, for tests and timing; their features carry no meaning.
  /// Throws Error when it cannot be opened, is damaged, or is a model this library does not compute.
  CONTENTVEC_API static Model load(const std::string& spec, const LoadOptions& options = {});

  /// The same of one file that is not on the disk; what would stand beside it (config.json) does not exist.
  CONTENTVEC_API static Model load(const VirtualFile& file, const LoadOptions& options = {});

  /// The default model, kDefaultModel, or a file of a repository on the hub (empty: chosen as resolve()
  /// says). Downloads it when it is not in the cache yet. Throws Error as load() does.
  CONTENTVEC_API static Model from_pretrained(const LoadOptions& options = {});
  CONTENTVEC_API static Model from_pretrained(const std::string& repo, const std::string& file,
                                              const LoadOptions& options = {});

  /// The architecture, and what else is known of the checkpoint; both live as long as the model.
  [[nodiscard]] CONTENTVEC_API const ModelConfig& config() const;
  [[nodiscard]] CONTENTVEC_API const ModelInfo& info() const;
  /// Where this model runs, settled when it was loaded: kCpu, kGpu (MLX on its GPU) or kMlx (MLX on its own
  /// CPU kernels).
  [[nodiscard]] CONTENTVEC_API Device device() const;
  /// The instruction set it computes with on kCpu, one of those CONTENTVEC_ISA takes; empty on MLX.
  [[nodiscard]] CONTENTVEC_API std::string isa() const;
  /// Threads of one extraction on the CPU; 0 on MLX, which has its own.
  [[nodiscard]] CONTENTVEC_API int threads() const;

  /// Features of one utterance. `waveform` holds 16 kHz mono samples, nominally in [-1, 1]; at least
  /// config().receptive_field() of them, all finite. Returns [config().frames(samples), dim], where dim is
  /// encoder_embed_dim, or final_dim with final_proj.
  /// Throws Error for a waveform, layer, projection or speaker embedding the model cannot take, and for a
  /// result that is not finite.
  [[nodiscard]] CONTENTVEC_API Features extract(std::span<const float> waveform,
                                                const ExtractOptions& options = {}) const;

  /// The same into memory of the caller's, `features`: exactly frames * dim floats, [frames, dim], row-major.
  /// It is for callers that extract windows of one length again and again: after the first, no memory is
  /// taken on the CPU. What `features` holds after an Error is not said.
  CONTENTVEC_API void extract_into(std::span<const float> waveform, std::span<float> features,
                                   const ExtractOptions& options = {}) const;

  /// The same of a batch and several stages: features[utterance * stages.size() + stage], each of exactly
  /// that utterance's and stage's frames * dim floats.
  CONTENTVEC_API void extract_batch_into(std::span<const std::span<const float>> waveforms,
                                         std::span<const Stage> stages,
                                         std::span<const std::span<float>> features,
                                         const ExtractOptions& options = {}) const;

  /// Takes what memory extracting one waveform of up to `max_samples` samples needs, and starts the threads,
  /// by extracting silence of that length: after it such an extraction into the caller's memory takes none on
  /// the CPU, the first included. `calls` is how many will run at once, 1 to 1024. On MLX it has kernels compiled that
  /// no program had compiled on this machine, which takes a GPU up to a minute once (docs/gpu.md). Throws Error for a
  /// length or a count out of range.
  CONTENTVEC_API void prepare(int64_t max_samples, int calls = 1) const;

  /// Several stages in one pass, result[stage] in the order listed; blocks after the last one needed are not
  /// computed. Throws Error as extract() does.
  [[nodiscard]] CONTENTVEC_API std::vector<Features> extract_stages(std::span<const float> waveform,
                                                                    std::span<const Stage> stages,
                                                                    const ExtractOptions& options = {}) const;

  /// A ragged batch: utterances of any lengths, no padding; result i is bit for bit what
  /// extract(waveforms[i]) gives (on MLX: but for rounding). Throws Error as extract() does, naming the
  /// utterance by its index.
  [[nodiscard]] CONTENTVEC_API std::vector<Features> extract_batch(
      std::span<const std::span<const float>> waveforms, const ExtractOptions& options = {}) const;

  /// A ragged batch, several stages: result[utterance][stage]. Throws Error as extract_batch() does.
  [[nodiscard]] CONTENTVEC_API std::vector<std::vector<Features>> extract_batch_stages(
      std::span<const std::span<const float>> waveforms, std::span<const Stage> stages,
      const ExtractOptions& options = {}) const;

 private:
  class Impl;
  explicit Model(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// What Model::load would load: the same checks but for the weights' values, without building a model.
/// `digest` asks for ModelInfo::sha256, for which the whole file is read. Throws Error as Model::load does.
/// This function and those below may be called from any number of threads at once.
CONTENTVEC_API ModelInfo inspect(const std::string& spec, const LoadOptions& options = {},
                                 bool digest = true);

/// Whose tensor names a checkpoint uses. All are read; the last two are not written.
enum class Layout {
  kFairseq,     ///< fairseq's HuBERT and ContentVec.
  kHf,          ///< Hugging Face transformers' HubertModel.
  kMlx,         ///< mlx-contentvec, either spelling of its positional convolution.
  kTorchaudio,  ///< torchaudio's wav2vec 2.0 and HuBERT.
  kSoftVc,      ///< soft-VC's HuBERT (bshall), with q, k and v of a block in one tensor.
};
/// The name of a layout: "fairseq", "hf", "mlx", "torchaudio" or "soft-vc".
[[nodiscard]] CONTENTVEC_API std::string_view layout_name(Layout layout);
/// The layout of such a name. Throws Error for another.
[[nodiscard]] CONTENTVEC_API Layout layout_from_name(std::string_view name);

/// How a checkpoint is written.
struct ExportOptions {
  Layout layout = Layout::kFairseq;        ///< kFairseq, kHf or kMlx.
  DType dtype = DType::kF32;               ///< kF32 or kF16.
  std::optional<ModelConfig> config = {};  ///< As LoadOptions::config.
  HubOptions hub = {};                     ///< As LoadOptions::hub.
};
/// Writes a checkpoint anew as one safetensors file holding what inference needs, with its architecture in
/// the metadata (`contentvec.config`), so that it opens anywhere with nothing to guess; in Hugging Face's
/// layout also config.json and preprocessor_config.json beside it.
/// Throws Error as Model::load does, for a layout or dtype that is not written, when a float16 cannot hold a
/// weight, or when `out` cannot be written; `out` is replaced whole or left as it was. Returns the tensors
/// and warnings as Model::info does.
CONTENTVEC_API ModelInfo export_model(const std::string& spec, const std::filesystem::path& out,
                                      const ExportOptions& options = {});

/// One tensor of a model's weights.
struct WeightTensor {
  std::string name;            ///< Its name in the layout that was asked for.
  std::vector<int64_t> shape;  ///< Its axes, slowest first, in that layout's order.
  std::vector<float> values;   ///< Its elements, in C order.
};
/// The tensors export_model() would write, as float32, in the order of the forward pass; of them those whose
/// names begin with `prefix`. Throws Error as Model::load does.
CONTENTVEC_API std::vector<WeightTensor> read_weights(const std::string& spec, const std::string& prefix = "",
                                                      const ExportOptions& options = {});

/// The library's version, "MAJOR.MINOR.PATCH". The text lives as long as the program.
CONTENTVEC_API const char* version();

}  // namespace contentvec
