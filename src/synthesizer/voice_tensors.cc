#include "synthesizer/voice_tensors.h"

#include <fmt/format.h>

#include <cmath>

namespace contentvec::synthesizer {
namespace {

using tensors::SyntheticTable;

/// Gated convolutions, each conditioned on the speaker. van den Oord et al. 2016, arXiv:1609.03499.
void add_wavenet(SyntheticTable& table, const std::string& name, const VoiceConfig& c) {
  const int64_t gates = 2 * c.hidden_channels;
  table.normed_conv(name + ".cond_layer", gates * kFlowLayers, c.gin_channels, 1, 0.5);
  for (int64_t i = 0; i < kFlowLayers; ++i) {
    table.normed_conv(fmt::format("{}.in_layers.{}", name, i), gates, c.hidden_channels, kFlowKernel);
    const int64_t kept = i + 1 < kFlowLayers ? gates : c.hidden_channels;
    table.normed_conv(fmt::format("{}.res_skip_layers.{}", name, i), kept, c.hidden_channels, 1);
  }
}

void add_text_encoder(SyntheticTable& table, const VoiceConfig& c) {
  const int64_t h = c.hidden_channels;
  table.weight("enc_p.emb_phone.weight", {h, c.phone_channels}, 1.5 / std::sqrt(static_cast<double>(h)));
  table.bias("enc_p.emb_phone.bias", h, 0.03);
  if (c.f0) {
    table.add("enc_p.emb_pitch.weight", {kPitchIds, h}, {std::sqrt(3.0 / static_cast<double>(h))});
  }
  for (int64_t i = 0; i < c.n_layers; ++i) {
    const std::string attention = fmt::format("enc_p.encoder.attn_layers.{}", i);
    table.add(attention + ".emb_rel_k", {1, kRelativePositions, h / c.n_heads}, {0.9});
    table.add(attention + ".emb_rel_v", {1, kRelativePositions, h / c.n_heads}, {0.9});
    table.layer(attention + ".conv_q", {h, h, 1}, 1.5);
    table.layer(attention + ".conv_k", {h, h, 1}, 1.5);
    table.layer(attention + ".conv_v", {h, h, 1});
    table.layer(attention + ".conv_o", {h, h, 1});
    for (const int norm : {1, 2}) {
      const std::string name = fmt::format("enc_p.encoder.norm_layers_{}.{}", norm, i);
      table.bias(name + ".gamma", h, 0.2, 1.0);
      table.bias(name + ".beta", h);
    }
    const std::string ffn = fmt::format("enc_p.encoder.ffn_layers.{}", i);
    table.layer(ffn + ".conv_1", {c.filter_channels, h, c.kernel_size}, std::sqrt(2.0));
    table.layer(ffn + ".conv_2", {h, c.filter_channels, c.kernel_size});
  }
  table.layer("enc_p.proj", {2 * c.inter_channels, h, 1}, 0.5);
}

void add_flow(SyntheticTable& table, const VoiceConfig& c) {
  const int64_t half = c.inter_channels / 2;
  for (int64_t i = 0; i < kCouplings; ++i) {
    const std::string name =
        fmt::format("flow.flows.{}", 2 * i);  // a flip of the channels has each odd number
    table.layer(name + ".pre", {c.hidden_channels, half, 1});
    add_wavenet(table, name + ".enc", c);
    table.layer(name + ".post", {half, c.hidden_channels, 1}, 0.8);
  }
}

void add_residual_block(SyntheticTable& table, const std::string& name, const VoiceConfig& c,
                        int64_t channels, int64_t kernel) {
  for (int64_t i = 0; i < c.convs_per_block(); ++i) {
    if (c.resblock == 1) {
      table.normed_conv(fmt::format("{}.convs1.{}", name, i), channels, channels, kernel, 1.0, 0.3);
      table.normed_conv(fmt::format("{}.convs2.{}", name, i), channels, channels, kernel, 1.0, 0.3);
    } else {
      table.normed_conv(fmt::format("{}.convs.{}", name, i), channels, channels, kernel, 1.0, 0.3);
    }
  }
}

void add_generator(SyntheticTable& table, const VoiceConfig& c) {
  if (c.f0) {
    table.add("dec.m_source.l_linear.weight", {1, 1}, {0.5, 3.0});
    table.bias("dec.m_source.l_linear.bias", 1, 0.02);
  }
  const int64_t width = c.upsample_initial_channel;
  table.layer("dec.conv_pre", {width, c.inter_channels, kGeneratorKernel});
  table.layer("dec.cond", {width, c.gin_channels, 1}, 0.5);
  int64_t samples = c.samples_per_frame();  // that one step of this stage's input stands for
  for (size_t i = 0; i < c.upsample_rates.size(); ++i) {
    const int64_t in = width >> i;
    const int64_t out = width >> (i + 1);
    const double g = std::sqrt(static_cast<double>(c.upsample_rates[i]));
    const std::string up = fmt::format("dec.ups.{}", i);
    table.add(up + ".weight_g", {in, 1, 1},
              {0.2 * g, 0.9 * g});  // a transposed convolution's inputs come first
    table.weight(up + ".weight_v", {in, out, c.upsample_kernel_sizes[i]});
    table.bias(up + ".bias", out);
    samples /= c.upsample_rates[i];
    if (c.f0) {
      const int64_t taps = i + 1 < c.upsample_rates.size() ? 2 * samples : 1;
      table.layer(fmt::format("dec.noise_convs.{}", i), {out, 1, taps}, 3.0);
    }
    const size_t blocks = c.resblock_kernel_sizes.size();
    for (size_t j = 0; j < blocks; ++j) {
      add_residual_block(table, fmt::format("dec.resblocks.{}", i * blocks + j), c, out,
                         c.resblock_kernel_sizes[j]);
    }
  }
  table.weight("dec.conv_post.weight", {1, width >> c.upsample_rates.size(), kGeneratorKernel}, 0.2);
}

}  // namespace

std::vector<tensors::Synthetic> voice_tensors(const VoiceConfig& config) {
  SyntheticTable table;
  add_text_encoder(table, config);
  add_flow(table, config);
  add_generator(table, config);
  table.add("emb_g.weight", {config.speakers, config.gin_channels}, {std::sqrt(3.0)});
  return table.release();
}

}  // namespace contentvec::synthesizer
