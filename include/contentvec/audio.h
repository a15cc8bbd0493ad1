#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/export.h"

namespace contentvec {

/// The sample rate that every model here works at, in Hz.
inline constexpr int kSampleRate = 16000;

/// The sample rates of recordings, in Hz: a lower one would make a few bytes hours of sound.
inline constexpr int kLowestRate = 1000;
inline constexpr int kHighestRate = 1'000'000;

/// A decoded audio file.
struct Audio {
  std::vector<float> waveform;          ///< 16 kHz, mono, [samples].
  int source_rate = 0;                  ///< The file's own sample rate, in Hz.
  std::vector<std::string> warnings{};  ///< Whole sentences without the file's name; empty where all is well.
};

/// How a file is read.
struct AudioReadOptions {
  /// Longer recordings are an Error, which comes before they are decoded any further: for programs that read what
  /// strangers send. The bounds of docs/limits.md hold as well.
  std::optional<double> max_seconds = {};
};

/// Decodes an audio file to what the model takes: 16 kHz, mono, float32, nominally in [-1, 1], never clipped
/// or rescaled.
///
/// Reads whatever libsndfile reads (wav of any sample format, flac, ogg vorbis and opus, mp3, aiff ...), and
/// more than that: files joined one after the other, FLAC in Ogg, MP3 in WAV, BW64, files of more than 4 GiB,
/// files with tags around them, MP3 that begins anywhere. Channels are averaged, then libsoxr resamples at
/// its HQ setting; the result has ceil(samples * 16000 / rate) samples. This is what `librosa.load(path,
/// sr=16000, mono=True)` returns, to 1e-4.
///
/// `path` "-" reads the file from standard input. A header that promises more or fewer samples than there are
/// (a recording cut short, or a header that was never filled in) gives those there are, with a warning where
/// no program that streams would write it; a compressed file that is cut short is an Error. Warns of channels
/// that cancel each other in their mean, and of samples far beyond 1. Throws Error when the file cannot be
/// opened or decoded, has no samples, holds a non-finite sample, or exceeds a bound of docs/limits.md. All
/// functions of this header may be called from any number of threads at once.
CONTENTVEC_API Audio read_audio(const std::filesystem::path& path, const AudioReadOptions& options = {});

/// The same for a file in memory, which stays the caller's and is needed only until the function returns;
/// `name` stands for it in errors.
CONTENTVEC_API Audio read_audio(std::span<const std::byte> file, std::string_view name,
                                const AudioReadOptions& options = {});

/// read_audio's waveform alone, for programs that have nobody to show a warning to. Errors are read_audio's.
CONTENTVEC_API std::vector<float> load_audio(const std::filesystem::path& path);
CONTENTVEC_API std::vector<float> load_audio(std::span<const std::byte> file, std::string_view name);

/// A decoded audio file as it is: its own channels at its own rate.
struct AudioChannels {
  std::vector<std::vector<float>> channels;  ///< At least one; all [samples].
  int rate = 0;                              ///< Hz.
  std::vector<std::string> warnings{};       ///< As Audio's.
};

/// Decodes an audio file without averaging its channels and without resampling. Where files of several rates are joined
/// in one, what follows is resampled to the rate of the first. Warnings and errors are read_audio's, and an Error for
/// joined files with different numbers of channels.
CONTENTVEC_API AudioChannels read_audio_channels(const std::filesystem::path& path);

/// The sample rate of an audio file in Hz, before load_audio makes it 16 kHz. Throws Error as load_audio does
/// for a file that cannot be opened.
CONTENTVEC_API int audio_rate(const std::filesystem::path& path);

/// The number of channels of an audio file; of files joined in one, of the first. Throws Error as audio_rate() does.
CONTENTVEC_API int audio_channel_count(const std::filesystem::path& path);

/// Decodes an audio file to its end and keeps nothing of it. Throws Error where read_audio() does, but for its length
/// and limits.
CONTENTVEC_API void check_audio(const std::filesystem::path& path);

/// The endings of the names of files that read_audio reads (".wav", ...), in lower case. They are for
/// programs that look for audio files in a folder; read_audio itself decides by content. The list lives as
/// long as the program, and is empty in a build without audio files. Throws nothing.
CONTENTVEC_API std::span<const std::string_view> audio_extensions();

/// Resamples mono audio from `from_rate` to `to_rate` Hz (libsoxr HQ); ceil(samples * to / from) samples.
/// Throws Error for a rate outside 1 .. 1,000,000 Hz; samples are not looked at.
CONTENTVEC_API std::vector<float> resample(std::span<const float> waveform, int from_rate,
                                           int to_rate = kSampleRate);

/// What kind of file is written.
enum class AudioContainer {
  kWav,   ///< ".wav"; RF64 where it takes more than 4 GiB, which a WAV cannot.
  kFlac,  ///< ".flac", up to 8 channels, of whole numbers.
};

/// How samples are written.
enum class AudioEncoding {
  kPcm16,  ///< 16 bits, scaled as to_pcm16() does.
  kPcm24,  ///< 24 bits, in the same way.
  kFloat,  ///< As they are, in float32; WAV only.
};

struct AudioFileOptions {
  std::optional<AudioContainer> container = {};  ///< The one that the path ends as, where it is not set.
  AudioEncoding encoding = AudioEncoding::kPcm16;
};

/// Writes an audio file: channels of the same number of samples, nominally in [-1, 1], at `rate` Hz. All channels are
/// scaled alike. The file appears whole or not at all; "-" is standard output, which, as any pipe, gets it in one piece
/// that is held in memory before. The same samples give the same bytes. Throws Error for a path that ends as neither
/// kind does where no container is given, for what the container cannot hold, for samples that are not finite, and when
/// the file cannot be written.
CONTENTVEC_API void write_audio(const std::filesystem::path& path,
                                std::span<const std::span<const float>> channels, int rate,
                                const AudioFileOptions& options = {});

/// Samples as RVC writes them: all scaled down where the largest exceeds 0.99, so that it becomes that, then times
/// 32768, and what is behind the point cut off. Throws Error for samples that are not finite. Needs no library.
[[nodiscard]] CONTENTVEC_API std::vector<int16_t> to_pcm16(std::span<const float> waveform);

}  // namespace contentvec
