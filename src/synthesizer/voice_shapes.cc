#include "synthesizer/voice_shapes.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "checkpoint/tensor.h"
#include "runtime/fail.h"

namespace contentvec::synthesizer {
namespace {

using Sizes = std::vector<int64_t>;

/// Shapes by name.
class VoiceShapes {
 public:
  VoiceShapes(const tensors::NamedTensors& tensors, const std::string& source)
      : tensors_(tensors), source_(source) {}

  [[nodiscard]] Sizes of(const std::string& name, size_t rank) const {
    if (!tensors_.has(name)) {
      fail("{}: an RVC voice without the tensor {}: the file is incomplete, or of another kind of voice",
           source_, name);
    }
    Sizes shape = tensors_.shape(name);
    constexpr int64_t kMost = 1 << 24;
    if (shape.size() != rank ||
        std::any_of(shape.begin(), shape.end(), [](int64_t size) { return size < 1 || size > kMost; })) {
      fail("{}: tensor {} has the shape {}; expected {} sizes, none of them 0", source_, name,
           checkpoint::shape_text(shape), rank);
    }
    return shape;
  }
  [[nodiscard]] bool has_conv(const std::string& layer) const {
    return tensors_.has(layer + ".weight") || tensors_.has(layer + ".weight_v");
  }
  /// The weight's, with weight norm or without.
  [[nodiscard]] Sizes of_conv(const std::string& layer) const {
    return of(layer + (tensors_.has(layer + ".weight_v") ? ".weight_v" : ".weight"), 3);
  }
  /// How many layers there are, of `before`0`after`, `before`1`after` ... More than VoiceConfig::validate() lets pass
  /// are not counted.
  [[nodiscard]] int64_t count(const char* before, const char* after) const {
    constexpr int64_t kMost = 100;
    int64_t count = 0;
    while (count < kMost && has_conv(fmt::format("{}{}{}", before, count, after))) ++count;
    return count;
  }

 private:
  const tensors::NamedTensors& tensors_;
  const std::string& source_;
};

void read_encoder(const VoiceShapes& shapes, VoiceConfig& c, const std::string& source) {
  const Sizes phone = shapes.of("enc_p.emb_phone.weight", 2);
  c.hidden_channels = phone[0];
  c.phone_channels = phone[1];
  if (phone[1] != 256 && phone[1] != 768) {
    fail("{}: it takes features of {} values; the voices read here take ContentVec's of 256 (v1) or 768 (v2)",
         source, phone[1]);
  }
  c.version = phone[1] == 256 ? "v1" : "v2";
  c.n_layers = shapes.count("enc_p.encoder.attn_layers.", ".conv_q");
  const int64_t head = shapes.of("enc_p.encoder.attn_layers.0.emb_rel_k", 3)[2];
  if (c.hidden_channels % head != 0)
    fail("{}: its attention heads have {} channels, which do not divide its {}", source, head,
         c.hidden_channels);
  c.n_heads = c.hidden_channels / head;
  const Sizes ffn = shapes.of_conv("enc_p.encoder.ffn_layers.0.conv_1");
  c.filter_channels = ffn[0];
  c.kernel_size = ffn[2];
  c.inter_channels = shapes.of_conv("dec.conv_pre")[1];
  const Sizes speakers = shapes.of("emb_g.weight", 2);
  c.speakers = speakers[0];
  c.gin_channels = speakers[1];
}

void read_generator(const VoiceShapes& shapes, VoiceConfig& c, const std::string& source) {
  c.upsample_initial_channel = shapes.of_conv("dec.conv_pre")[0];
  const int64_t stages = shapes.count("dec.ups.", "");
  c.upsample_kernel_sizes.clear();
  for (int64_t i = 0; i < stages; ++i)
    c.upsample_kernel_sizes.push_back(shapes.of_conv(fmt::format("dec.ups.{}", i))[2]);

  const bool of_pairs = shapes.has_conv("dec.resblocks.0.convs1.0");
  const char* first = of_pairs ? ".convs1.0" : ".convs.0";
  c.resblock = of_pairs ? 1 : 2;
  const int64_t blocks = shapes.count("dec.resblocks.", first);
  if (stages == 0 || blocks == 0 || blocks % stages != 0)
    fail("{}: a generator of {} upsamplings and {} residual blocks; expected as many blocks for each", source,
         stages, blocks);
  c.resblock_kernel_sizes.clear();
  for (int64_t i = 0; i < blocks / stages; ++i)
    c.resblock_kernel_sizes.push_back(shapes.of_conv(fmt::format("dec.resblocks.{}{}", i, first))[2]);
}

/// Every voice that RVC trains.
struct PublishedUpsampling {
  Sizes rates, kernels;
  [[nodiscard]] int sample_rate() const {
    return 100 *
           static_cast<int>(std::accumulate(rates.begin(), rates.end(), int64_t{1}, std::multiplies<>()));
  }
};
const std::vector<PublishedUpsampling>& published_upsamplings() {
  static const std::vector<PublishedUpsampling> all = {
      {{10, 4, 2, 2, 2}, {16, 16, 4, 4, 4}},  // v1
      {{10, 6, 2, 2, 2}, {16, 16, 4, 4, 4}},  // v1
      {{10, 10, 2, 2}, {16, 16, 4, 4}},       // v1 and v2
      {{10, 8, 2, 2}, {20, 16, 4, 4}},        // v2
      {{12, 10, 2, 2}, {24, 20, 4, 4}},       // v2
  };
  return all;
}

/// What one step of each stage's output stands for in samples, as the kernels of the source's convolutions show it.
Sizes samples_after(const VoiceShapes& shapes, size_t stages) {
  Sizes samples;
  for (size_t i = 0; i + 1 < stages; ++i)
    samples.push_back(std::max<int64_t>(shapes.of_conv(fmt::format("dec.noise_convs.{}", i))[2] / 2, 1));
  samples.push_back(1);
  return samples;
}

bool fits(const PublishedUpsampling& published, const VoiceConfig& c, const Sizes& after) {
  if (published.kernels != c.upsample_kernel_sizes) return false;
  for (size_t i = 0; i + 1 < after.size(); ++i)
    if (after[i] != published.rates[i + 1] * after[i + 1]) return false;
  return true;
}

[[noreturn]] void ask_for_rate(const std::string& source, const std::vector<int>& likely) {
  fail("{}: a training checkpoint (G_*.pth), which does not say its sample rate{}: give it as sample_rate",
       source,
       likely.empty() ? ""
                      : fmt::format(", though its layers are those of RVC's voices of {} Hz",
                                    fmt::join(likely, " or ")));
}

/// The rates of upsampling that go with a sample rate. Those of unpublished sizes follow from the source's
/// convolutions; without these, a kernel is taken to be twice its rate, as HiFi-GAN's are.
void settle_rates(const VoiceShapes& shapes, VoiceConfig& c, const std::optional<int>& sample_rate,
                  const std::string& source) {
  const size_t stages = c.upsample_kernel_sizes.size();
  const Sizes after = c.f0 ? samples_after(shapes, stages) : Sizes();
  std::vector<int> likely;
  for (const PublishedUpsampling& published : published_upsamplings()) {
    if (!fits(published, c, after)) continue;
    likely.push_back(published.sample_rate());
    c.upsample_rates = published.rates;
    if (sample_rate == published.sample_rate()) break;
  }
  if (!sample_rate) ask_for_rate(source, likely);
  c.sample_rate = *sample_rate;
  if (!likely.empty()) {
    if (likely.back() != *sample_rate)
      fail("{}: its layers are those of RVC's voices of {} Hz, but its sample rate is said to be {} Hz",
           source, fmt::join(likely, " or "), *sample_rate);
    return;
  }
  c.upsample_rates.clear();
  for (size_t i = 0; i < stages; ++i) {
    if (!c.f0)
      c.upsample_rates.push_back(c.upsample_kernel_sizes[i] / 2);
    else
      c.upsample_rates.push_back((i == 0 ? *sample_rate / 100 : after[i - 1]) / after[i]);
  }
}

/// HiFi-GAN's own where nothing says them: of its first two versions, and of its third.
void settle_dilations(VoiceConfig& c, const std::string& source) {
  if (c.resblock == 1) {
    c.resblock_dilation_sizes.assign(c.resblock_kernel_sizes.size(), {1, 3, 5});
  } else if (c.resblock_kernel_sizes == Sizes{3, 5, 7}) {
    c.resblock_dilation_sizes = {{1, 2}, {2, 6}, {3, 12}};
  } else {
    fail(
        "{}: nothing says the dilations of its residual blocks, and those of kernels {} are of no voice known here",
        source, c.resblock_kernel_sizes);
  }
}

}  // namespace

VoiceConfig config_of_tensors(const tensors::NamedTensors& tensors, const std::optional<VoiceConfig>& stated,
                              const std::optional<int>& sample_rate, const std::string& source) {
  const VoiceShapes shapes(tensors, source);
  VoiceConfig c = stated.value_or(VoiceConfig());
  c.f0 = tensors.has("enc_p.emb_pitch.weight");
  read_encoder(shapes, c, source);
  read_generator(shapes, c, source);
  if (!stated) {
    settle_rates(shapes, c, sample_rate, source);
    settle_dilations(c, source);
  }
  return c;
}

}  // namespace contentvec::synthesizer
