#include "f0/rmvpe.h"

#include <algorithm>

#include "dsp/padding.h"
#include "nn/matmul.h"

namespace contentvec::f0 {
namespace {

constexpr int64_t kFramesOfPart = 16;  // of one parallel item
constexpr int64_t kCnnChannels = 3;

}  // namespace

/// Frames [first, end) of the log-mel spectrogram, through the input's BatchNorm and filled up with zeros (before it)
/// to whole pixels of the innermost layer.
void Rmvpe::fill_input(const nn::Context& context, std::span<const float> waveform, int64_t first,
                       int64_t end, nn::FeatureMap& map) const {
  const dsp::PaddedSignal signal(waveform, kFftSize / 2, dsp::PaddedSignal::Padding::kReflect);
  const int64_t step = int64_t{1} << encoder_.size();
  const int64_t rows = (end - first + step - 1) / step * step;
  map.resize(rows, kMels, 1);
  context.team.parallel_for((rows + kFramesOfPart - 1) / kFramesOfPart, [&](int64_t part, int) {
    dsp::Spectrum::Scratch scratch;
    std::vector<float> samples;
    std::vector<double> magnitudes(static_cast<size_t>(spectrum_.bins()));
    for (int64_t row = part * kFramesOfPart; row < std::min((part + 1) * kFramesOfPart, rows); ++row) {
      float* to = map.at(row, 0);
      if (first + row < end) {
        const float* frame = signal.read((first + row) * kHop, kFftSize, samples);
        spectrum_.magnitudes(frame, 0.0, scratch, magnitudes.data());
        mel_basis_.log_mel(magnitudes, to);
      } else {
        std::fill_n(to, kMels, 0.0F);
      }
      for (int64_t mel = 0; mel < kMels; ++mel) to[mel] = to[mel] * input_scale_ + input_shift_;
    }
  });
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

/// From maps[0]; returns the map of three channels.
const nn::FeatureMap& Rmvpe::run_unet(const nn::Context& context, Workspace& w, const Poll& poll,
                                      const Observe& observe) const {
  const auto see = [&](const std::string& stage, const nn::FeatureMap& map) {
    if (observe) observe(stage, map);
  };
  int current = 0;
  see("encoder_bn", w.maps[current]);
  w.skips.resize(encoder_.size());
  for (size_t i = 0; i < encoder_.size(); ++i) {
    if (poll) poll();
    run_layer(context, encoder_[i], w, current, &w.skips[i]);
    nn::average_pool(context, w.skips[i], w.maps[current]);
    see("encoder_" + std::to_string(i), w.maps[current]);
  }
  for (const Layer& layer : intermediate_) {
    if (poll) poll();
    run_layer(context, layer, w, current);
  }
  see("intermediate", w.maps[current]);
  for (size_t i = 0; i < decoder_.size(); ++i) {
    if (poll) poll();
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
  cnn_.run(context, w.maps[current], w.maps[1 - current]);
  see("cnn", w.maps[1 - current]);
  return w.maps[1 - current];
}

void Rmvpe::run(const nn::Context& context, Workspace& w, std::span<const float> waveform,
                const TakeSalience& take, const Poll& poll, const Observe& observe) const {
  const int64_t count = frames(static_cast<int64_t>(waveform.size()));
  const int64_t piece = count <= w.whole_frames ? count : w.piece_frames;
  const int64_t step = int64_t{1} << encoder_.size();
  const int64_t rows = (count + step - 1) / step * step;  // the GRU hears what the end is filled up with
  const int64_t width = kCnnChannels * kMels;
  const int64_t stride = nn::row_stride(width);
  float* flat = w.flat.reserve(rows * stride);
  for (int64_t begin = 0; begin < count; begin += piece) {
    const int64_t first = std::max<int64_t>(0, begin - w.context_frames);
    const int64_t last = std::min(begin + piece, count);
    fill_input(context, waveform, first, std::min(last + w.context_frames, count), w.maps[0]);
    const nn::FeatureMap& map = run_unet(context, w, poll, observe);
    // Per frame, channel by channel.
    const int64_t end = last == count ? rows : last;
    context.team.parallel_for(end - begin, [&](int64_t i, int) {
      for (int64_t c = 0; c < kCnnChannels; ++c) {
        float* to = flat + (begin + i) * stride + c * kMels;
        for (int64_t mel = 0; mel < kMels; ++mel) to[mel] = map.at(begin + i - first, mel)[c];
      }
    });
  }
  const int64_t state_stride = nn::row_stride(gru_.out());
  float* states = w.states.reserve(rows * state_stride);
  gru_.run(context, flat, stride, rows, states, state_stride, w.gates);
  for (int64_t begin = 0; begin < count; begin += piece) {
    const int64_t own = std::min(piece, count - begin);
    w.salience.resize(static_cast<size_t>(own * kSalienceBins));
    nn::multiply(context, nn::matrix_rows(states + begin * state_stride, state_stride, gru_.out()), own,
                 output_, w.salience.data(), kSalienceBins, {.activation = {nn::Activation::Kind::kSigmoid}});
    take(begin, w.salience);
  }
}

}  // namespace contentvec::f0
