#include "f0/rmvpe.h"

#include <algorithm>

#include "dsp/padding.h"
#include "f0/salience.h"
#include "nn/matmul.h"

namespace contentvec::f0 {

void Rmvpe::compute_mel(const nn::Context& context, Workspace& workspace, std::span<const float> waveform) const {
  const int64_t count = frames(static_cast<int64_t>(waveform.size()));
  const std::vector<float> padded = dsp::pad_reflect(waveform, kFftSize / 2, kFftSize / 2);
  workspace.mel.resize(static_cast<size_t>(count * kMels));
  constexpr int64_t kFramesOfPart = 16;
  context.team.parallel_for((count + kFramesOfPart - 1) / kFramesOfPart, [&](int64_t part, int) {
    dsp::Spectrum::Scratch scratch;
    std::vector<double> magnitudes(static_cast<size_t>(spectrum_.bins()));
    for (int64_t frame = part * kFramesOfPart; frame < std::min((part + 1) * kFramesOfPart, count); ++frame) {
      spectrum_.magnitudes(padded.data() + frame * kHop, 0.0, scratch, magnitudes.data());
      mel_basis_.log_mel(magnitudes, workspace.mel.data() + frame * kMels);
    }
  });
}

/// The spectrogram through the input's BatchNorm, filled up with zeros (before it) to whole pixels of the innermost
/// layer.
void Rmvpe::fill_input(const Workspace& workspace, nn::FeatureMap& map) const {
  const auto count = static_cast<int64_t>(workspace.mel.size()) / kMels;
  const int64_t step = int64_t{1} << encoder_.size();
  map.resize((count + step - 1) / step * step, kMels, 1);
  for (int64_t frame = 0; frame < map.height(); ++frame) {
    float* to = map.at(frame, 0);
    for (int64_t mel = 0; mel < kMels; ++mel) {
      const float x = frame < count ? workspace.mel[static_cast<size_t>(frame * kMels + mel)] : 0.0F;
      to[mel] = x * input_scale_ + input_shift_;
    }
  }
}

void Rmvpe::run_block(const nn::Context& context, const RmvpeBlock& block, Workspace& workspace,
                      const nn::FeatureMap& from, nn::FeatureMap& to) const {
  constexpr nn::Activation kRelu = {nn::Activation::Kind::kRelu};
  const nn::FeatureMap* residual = &from;
  if (block.shortcut.out() > 0) {
    block.shortcut.run(context, from, workspace.shortcut);
    residual = &workspace.shortcut;
  }
  block.first.run(context, from, workspace.between, kRelu);
  block.second.run(context, workspace.between, to, kRelu, residual);
}

/// From maps[current], which then is the other; the last block's output goes to `last`, where there is one.
void Rmvpe::run_layer(const nn::Context& context, const Layer& layer, Workspace& workspace, int& current,
                      nn::FeatureMap* last) const {
  for (size_t i = 0; i < layer.size(); ++i) {
    const bool elsewhere = last != nullptr && i + 1 == layer.size();
    run_block(context, layer[i], workspace, workspace.maps[current],
              elsewhere ? *last : workspace.maps[1 - current]);
    if (!elsewhere) current = 1 - current;
  }
}

void Rmvpe::run(const nn::Context& context, Workspace& w, std::span<const float> waveform, float* salience,
                const Observe& observe) const {
  const auto see = [&](const std::string& stage, const nn::FeatureMap& map) {
    if (observe) observe(stage, map);
  };
  compute_mel(context, w, waveform);
  int current = 0;
  fill_input(w, w.maps[current]);
  see("encoder_bn", w.maps[current]);

  w.skips.resize(encoder_.size());
  for (size_t i = 0; i < encoder_.size(); ++i) {
    run_layer(context, encoder_[i], w, current, &w.skips[i]);
    nn::average_pool(context, w.skips[i], w.maps[current]);
    see("encoder_" + std::to_string(i), w.maps[current]);
  }
  for (const Layer& layer : intermediate_) run_layer(context, layer, w, current);
  see("intermediate", w.maps[current]);
  for (size_t i = 0; i < decoder_.size(); ++i) {
    const DecoderLayer& layer = decoder_[i];
    const nn::FeatureMap& skip = w.skips[encoder_.size() - 1 - i];
    const nn::FeatureMap& from = w.maps[current];
    nn::FeatureMap& joined = w.maps[1 - current];
    joined.resize(2 * from.height(), 2 * from.width(), layer.up.out() + skip.channels());
    layer.up.run(context, from, joined, {nn::Activation::Kind::kRelu}, w.phase);
    context.team.parallel_for(joined.height(), [&](int64_t y, int) {
      for (int64_t x = 0; x < joined.width(); ++x)
        std::copy_n(skip.at(y, x), skip.channels(), joined.at(y, x) + layer.up.out());
    });
    current = 1 - current;
    run_layer(context, layer.blocks, w, current);
    see("decoder_" + std::to_string(i), w.maps[current]);
  }
  nn::FeatureMap& three = w.maps[1 - current];
  cnn_.run(context, w.maps[current], three);
  see("cnn", three);

  // Per frame, channel by channel.
  const int64_t rows = three.height();
  const int64_t width = three.channels() * kMels;
  const int64_t stride = nn::row_stride(width);
  float* flat = w.flat.reserve(rows * stride);
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t c = 0; c < three.channels(); ++c) {
      for (int64_t x = 0; x < kMels; ++x) flat[y * stride + c * kMels + x] = three.at(y, x)[c];
    }
  }
  const int64_t state_stride = nn::row_stride(gru_.out());
  float* states = w.states.reserve(rows * state_stride);
  gru_.run(context, flat, stride, rows, states, state_stride, w.gates);
  nn::multiply(context, nn::matrix_rows(states, state_stride, gru_.out()),
               static_cast<int64_t>(w.mel.size()) / kMels, output_, salience, kSalienceBins,
               {.activation = {nn::Activation::Kind::kSigmoid}});
}

}  // namespace contentvec::f0
