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

#include "contentvec/device.h"
#include "contentvec/export.h"
#include "contentvec/hub.h"
#include "contentvec/model.h"
#include "contentvec/threads.h"

namespace contentvec {

/// The two estimators that RVC uses.
enum class PitchMethod {
  kRmvpe,  ///< A U-Net with a GRU behind it; robust against music and noise.
  kFcpe,   ///< Convolutions alone; several times as fast.
};

/// Samples from one value of the pitch to the next: 10 ms.
inline constexpr int64_t kPitchHop = 160;

/// "rmvpe" or "fcpe".
CONTENTVEC_API std::string_view pitch_method_name(PitchMethod method);

/// How PitchEstimator::load() sets an estimator up.
struct PitchLoadOptions {
  /// Threads of one estimate; 0: one for each CPU that this process may use.
  int threads = 0;
  /// kF32 or kBF16.
  DType dtype = DType::kF32;
  /// Runs the loops of an estimate on the caller's threads; empty: on threads of the library's.
  RunTasks run_tasks = {};
  /// For a model named after the Hugging Face hub.
  HubOptions hub = {};
};

/// How one estimate is made.
struct PitchOptions {
  /// A frame is voiced where the largest salience is above this, in (0, 1); nothing: 0.03 for RMVPE, 0.006 for FCPE,
  /// as the reference programs have them.
  std::optional<double> threshold = {};
  /// Called from the calling thread several times in an estimate. May throw: that ends it, and passes through.
  std::function<void()> poll = {};
  /// The same after each piece of a recording and each recording of a batch, with the frames that are done and all.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// The pitch of a recording: one value for each 160 samples, 10 ms, samples / 160 + 1 of them. RVC's decoder takes
/// two for each frame of features.
struct Pitch {
  std::vector<float> f0;          ///< Hz; 0 where unvoiced.
  std::vector<float> confidence;  ///< The largest salience of the frame, 0 to 1.
};

/// An estimator of the pitch of a voice: 16 kHz waveform in, Hz for each 10 ms out.
///
/// Loaded once, then immutable: every member is const and may be called from any number of threads at once. Copies
/// share the weights. A result depends on the model and the waveform alone: not on the number of threads or what ran
/// before, bit for bit.
///
/// Memory is bounded by a piece of about half a minute, besides some kilobytes a second: FCPE gives bit for bit what it
/// would uncut; RMVPE's convolutions see 2.6 s around a piece (docs/pitch.md says what that changes).
///
/// Sources: RMVPE (Wei et al. 2023, arXiv:2306.15412) as RVC's infer/rmvpe.py computes it; FCPE (Luo et al. 2025,
/// arXiv:2509.15140) as torchfcpe 0.0.4 does.
class PitchEstimator {
 public:
  /// Opens an estimator. `spec` is
  ///   - a file with RMVPE's or FCPE's weights: rmvpe.pt, fcpe.pt, or safetensors with the same names; which of the two
  ///     it is its tensors tell;
  ///   - the wheel or the installed folder of the Python package torchfcpe 0.0.4, which carries FCPE's weights;
  ///   - `fcpe`: the installed package, found as find_fcpe() does;
  ///   - `rmvpe`, or another name or address of a file on the Hugging Face hub, as Model::load() takes them;
  ///   - `synthetic:CONFIG.json[:SEED]`: made-up weights of the architecture in that file, whose "kind" says which.
  /// Throws Error when it cannot be opened, is damaged, or is something else, which the error then names.
  CONTENTVEC_API static PitchEstimator load(const std::string& spec, const PitchLoadOptions& options = {});
  /// The same of a file with the weights, wherever it is.
  CONTENTVEC_API static PitchEstimator load(const VirtualFile& file, const PitchLoadOptions& options = {});

  [[nodiscard]] CONTENTVEC_API PitchMethod method() const;
  /// The path or spec it came from.
  [[nodiscard]] CONTENTVEC_API const std::string& source() const;
  [[nodiscard]] CONTENTVEC_API int threads() const;

  /// The least samples it takes: 513 for RMVPE, 1 for FCPE.
  [[nodiscard]] CONTENTVEC_API int64_t least_samples() const;
  /// Values of the pitch of so many samples: samples / 160 + 1, or 0 for less than least_samples().
  [[nodiscard]] CONTENTVEC_API int64_t frames(int64_t samples) const;

  /// `waveform`: 16 kHz, mono, nominally in [-1, 1], at least least_samples() of them, all finite. Throws Error for one
  /// that is not, and for an option out of range.
  [[nodiscard]] CONTENTVEC_API Pitch estimate(std::span<const float> waveform,
                                              const PitchOptions& options = {}) const;

  /// The same into memory of the caller's: frames(waveform.size()) values each. For callers that estimate windows of
  /// one length again and again: after the first, no memory is taken. What they hold after an Error is not said.
  CONTENTVEC_API void estimate_into(std::span<const float> waveform, std::span<float> f0,
                                    std::span<float> confidence, const PitchOptions& options = {}) const;

  /// The pitches of several waveforms, each bit for bit what the waveform alone gives. Those of up to 10 s go side by
  /// side, one on each thread, where there are enough of them: a thread then takes the memory of an estimate.
  [[nodiscard]] CONTENTVEC_API std::vector<Pitch> estimate_batch(
      std::span<const std::span<const float>> waveforms, const PitchOptions& options = {}) const;

 private:
  class Impl;
  explicit PitchEstimator(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// Where the Python package torchfcpe, which carries FCPE's weights, is installed: the folder that `fcpe` stands for;
/// nothing where it is not. No Python is run. Looked through, in this order, are the folders in PYTHONPATH, and those
/// of packages (lib/python3*/site-packages, dist-packages) below VIRTUAL_ENV, CONDA_PREFIX, the prefix of the python3
/// on the PATH, ~/.local, /usr/local and /usr.
CONTENTVEC_API std::optional<std::filesystem::path> find_fcpe();

/// Fills unvoiced frames (0) in place: linearly between their voiced neighbours, before the first and after the last
/// with that one's pitch. Where no frame is voiced all stay 0. As RVC does since July 2026; before it, and in Applio,
/// they stay 0.
CONTENTVEC_API void interpolate_unvoiced(std::span<float> f0);

/// f0 times 2^(semitones / 12), in place. Throws Error for a number that is not -120 to 120.
CONTENTVEC_API void shift_semitones(std::span<float> f0, double semitones);

/// The pitch as RVC's synthesizer takes it: 1 to 255, evenly spaced in mel between 50 and 1100 Hz, rounded half to
/// even; 1 where unvoiced, or not a number.
[[nodiscard]] CONTENTVEC_API std::vector<int64_t> coarse_pitch(std::span<const float> f0);
/// The same into memory of the caller's, as many values.
CONTENTVEC_API void coarse_pitch(std::span<const float> f0, std::span<int64_t> coarse);

/// How a pitch lies in a file.
enum class PitchFormat {
  kNpy,  ///< ".npy", a NumPy array of float32: [frames], Hz.
  kCsv,  ///< ".csv", text: "time,f0,confidence", then a line for each frame: seconds, Hz, 0 to 1. Whatever the locale.
};

/// Writes a pitch, in the format that the path ends as unless one is given; a .npy file has no place for the
/// confidence. The file appears whole or not at all (unfinished_files.h). Throws Error when it cannot be written, ends
/// in neither with no format given, and for a pitch whose f0 and confidence are not equally many. These functions may
/// be called from any number of threads at once.
CONTENTVEC_API void write_pitch(const std::filesystem::path& path, const Pitch& pitch,
                                std::optional<PitchFormat> format = {});

/// Reads the f0 of such a file again, which its content tells apart: text as write_pitch() writes it, with or without
/// the confidence; or a NumPy array of [frames], float16, float32 or float64, as RVC's 2b-f0nsf too. Values are not
/// looked at, but that text has finite ones. Throws Error when it cannot be read, is something else, or has no values,
/// and for text whose lines are not 10 ms apart.
[[nodiscard]] CONTENTVEC_API std::vector<float> read_pitch(const std::filesystem::path& path);

/// Writes the two files that RVC's training reads for each recording: coarse_pitch(f0) as int64 (its 2a_f0) and f0 as
/// float64 (its 2b-f0nsf), NumPy arrays of [frames]. Source: RVC WebUI's train/dataset/extract_f0.py.
CONTENTVEC_API void write_pitch_for_rvc(const std::filesystem::path& coarse, const std::filesystem::path& hz,
                                        std::span<const float> f0);

}  // namespace contentvec
