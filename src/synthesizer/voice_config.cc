#include "synthesizer/voice_config.h"

#include <fmt/ranges.h>

#include "runtime/fail.h"

namespace contentvec::synthesizer {
namespace {

constexpr int64_t kMostChannels = 8192;
constexpr size_t kMostStages = 8;
constexpr size_t kLongestName = 200;
constexpr int64_t kMostSamplesPerFrame = 1920;  // 192 kHz

/// Complains about one configuration.
class Check {
 public:
  explicit Check(const std::string& origin) : origin_(origin) {}

  void range(const char* name, int64_t value, int64_t least, int64_t most) const {
    if (value < least || value > most)
      fail("{}: {} is {}; expected a whole number from {} to {}", origin_, name, value, least, most);
  }
  void range(const char* name, const std::vector<int64_t>& values, int64_t least, int64_t most) const {
    count(name, values.size());
    for (const int64_t value : values) range(name, value, least, most);
  }
  void count(const char* name, size_t found) const {
    if (found == 0 || found > kMostStages)
      fail("{}: {} has {} entries; expected 1 to {}", origin_, name, found, kMostStages);
  }
  template <typename... Args>
  void require(bool holds, fmt::format_string<Args...> format, Args&&... args) const {
    if (!holds) fail("{}: {}", origin_, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  const std::string& origin_;
};

void check_encoder(const Check& check, const VoiceConfig& c) {
  check.range("inter_channels", c.inter_channels, 2, kMostChannels);
  check.require(c.inter_channels % 2 == 0, "inter_channels is {}; the flow needs two equal halves of it",
                c.inter_channels);
  check.range("hidden_channels", c.hidden_channels, 1, kMostChannels);
  check.range("filter_channels", c.filter_channels, 1, 4 * kMostChannels);
  check.range("n_heads", c.n_heads, 1, c.hidden_channels);
  check.require(c.hidden_channels % c.n_heads == 0,
                "n_heads is {}, which does not divide hidden_channels, {}", c.n_heads, c.hidden_channels);
  check.range("n_layers", c.n_layers, 1, 64);
  check.range("kernel_size", c.kernel_size, 1, 31);
  check.range("gin_channels", c.gin_channels, 1, kMostChannels);
  check.range("spk_embed_dim", c.speakers, 1, 1'000'000);
  check.require(c.version == "v1" || c.version == "v2", "version is \"{}\"; expected \"v1\" or \"v2\"",
                c.version);
  const int64_t width = phone_channels_of(c.version);
  check.require(c.phone_channels == width,
                "a voice of version {} takes features of {} values, this one of {}", c.version, width,
                c.phone_channels);
  check.require(c.embedder.size() <= kLongestName,
                "embedder_model is a text of {} bytes; expected at most {}", c.embedder.size(), kLongestName);
}

void check_residual_blocks(const Check& check, const VoiceConfig& c) {
  check.require(c.resblock == 1 || c.resblock == 2, "resblock is {}; expected 1 or 2", c.resblock);
  check.range("resblock_kernel_sizes", c.resblock_kernel_sizes, 1, 63);
  for (const int64_t kernel : c.resblock_kernel_sizes)
    check.require(kernel % 2 == 1, "resblock_kernel_sizes has {}; only odd kernels keep the length", kernel);
  check.require(c.resblock_dilation_sizes.size() == c.resblock_kernel_sizes.size(),
                "resblock_dilation_sizes has {} entries for {} kernels", c.resblock_dilation_sizes.size(),
                c.resblock_kernel_sizes.size());
  for (const std::vector<int64_t>& dilations : c.resblock_dilation_sizes) {
    check.range("resblock_dilation_sizes", dilations, 1, 64);
    check.require(static_cast<int64_t>(dilations.size()) == c.convs_per_block(),
                  "resblock_dilation_sizes has {}; resblock {} takes {} dilations", dilations, c.resblock,
                  c.convs_per_block());
  }
}

void check_upsampling(const Check& check, const VoiceConfig& c) {
  check.range("upsample_rates", c.upsample_rates, 2, 64);  // 1 would make the source's convolutions too short
  check.require(c.upsample_kernel_sizes.size() == c.upsample_rates.size(),
                "upsample_kernel_sizes has {} entries for {} rates", c.upsample_kernel_sizes.size(),
                c.upsample_rates.size());
  check.range("upsample_kernel_sizes", c.upsample_kernel_sizes, 1, 256);
  for (size_t i = 0; i < c.upsample_rates.size(); ++i) {
    const int64_t rate = c.upsample_rates[i];
    const int64_t kernel = c.upsample_kernel_sizes[i];
    check.require(
        kernel >= rate && (kernel - rate) % 2 == 0,
        "upsample_kernel_sizes has {} for a rate of {}; it should be that or more by an even number", kernel,
        rate);
  }
  check.range("upsample_initial_channel", c.upsample_initial_channel, int64_t{1} << c.upsample_rates.size(),
              kMostChannels);
  // At most 64^8, which fits.
  check.range("the product of upsample_rates", c.samples_per_frame(), 1, kMostSamplesPerFrame);
  check.require(
      c.sample_rate == 100 * c.samples_per_frame(),
      "its upsample_rates {} give {} samples for each frame of 10 ms, which is {} Hz, but its sample rate is {} Hz",
      c.upsample_rates, c.samples_per_frame(), 100 * c.samples_per_frame(), c.sample_rate);
}

}  // namespace

void VoiceConfig::validate(const std::string& origin) const {
  const Check check(origin);
  check_encoder(check, *this);
  check_residual_blocks(check, *this);
  check_upsampling(check, *this);
}

}  // namespace contentvec::synthesizer
