#include "f0/rmvpe.h"

#include <algorithm>

#include "dsp/padding.h"
#include "nn/matmul.h"

namespace contentvec::f0 {
namespace {

constexpr int64_t kFramesOfPart = 16;  // of one parallel item
constexpr int64_t kCnnChannels = 3;
constexpr int64_t kRowsOfSalience = 256;  // that are decoded together
constexpr nn::Activation kRelu = {nn::Activation::Kind::kRelu};

/// Rows [begin, end) of a map, and with what they see around them [first, last).
struct Band {
  int64_t begin;
  int64_t end;
  int64_t first;
  int64_t last;
};

/// run(band) for bands of about the same height, at most `most` rows, whose rows see `reach` rows on either side.
template <typename Run>
void in_bands(int64_t rows, int64_t most, int64_t reach, const Run& run) {
  const int64_t count = (rows + most - 1) / most;
  constexpr int64_t kStep = 32;
  const int64_t height = ((rows + count - 1) / count + kStep - 1) / kStep * kStep;
  for (int64_t begin = 0; begin < rows; begin += height) {
    const int64_t end = std::min(begin + height, rows);
    run(Band{begin, end, std::max<int64_t>(0, begin - reach), std::min(end + reach, rows)});
  }
}

/// Rows that a row of a layer's output sees on either side, in whole tiles of four: each block has two convolutions.
/// `more`: of what stands around the blocks.
int64_t reach_of(size_t blocks, int64_t more) {
  return (2 * static_cast<int64_t>(blocks) + more + 3) / 4 * 4;
}

/// Rows [first, first + rows) of `from` to those of `to` from `to_row` and its channel `to_channel` on.
void copy_rows(const nn::Context& context, const nn::FeatureMap& from, int64_t first, int64_t rows,
               nn::FeatureMap& to, int64_t to_row = 0, int64_t to_channel = 0) {
  context.team.parallel_for(rows, [&](int64_t y, int) {
    for (int64_t x = 0; x < from.width(); ++x)
      std::copy_n(from.at(first + y, x), from.channels(), to.at(to_row + y, x) + to_channel);
  });
}

void copy_map(const nn::Context& context, const nn::FeatureMap& from, nn::FeatureMap& to) {
  to.resize(from.height(), from.width(), from.channels());
  copy_rows(context, from, 0, from.height(), to);
}

}  // namespace

/// Rows [first_row, end_row) of the piece's log-mel spectrogram, through the input's BatchNorm and filled up with zeros
/// (before it) to whole pixels of the innermost layer.
void Rmvpe::fill_input(const nn::Context& context, Workspace& w, std::span<const float> waveform,
                       const Piece& piece, int64_t first_row, int64_t end_row, nn::FeatureMap& map) const {
  const dsp::PaddedSignal signal(waveform, kFftSize / 2, dsp::PaddedSignal::Padding::kReflect);
  const int64_t rows = end_row - first_row;
  map.resize(rows, kMels, 1);
  w.spectra.resize(static_cast<size_t>(context.team.size()));
  for (dsp::Spectrum::Scratch& scratch : w.spectra) spectrum_.prepare(scratch);
  context.team.parallel_for((rows + kFramesOfPart - 1) / kFramesOfPart, [&](int64_t part, int thread) {
    dsp::Spectrum::Scratch& scratch = w.spectra[static_cast<size_t>(thread)];
    for (int64_t row = part * kFramesOfPart; row < std::min((part + 1) * kFramesOfPart, rows); ++row) {
      float* to = map.at(row, 0);
      const int64_t frame = piece.first + first_row + row;
      if (frame < piece.end) {
        spectrum_.magnitudes(signal.read(frame * kHop, kFftSize, scratch.frame), 0.0, scratch,
                             scratch.magnitudes.data());
        mel_basis_.log_mel(scratch.magnitudes, to);
      } else {
        std::fill_n(to, kMels, 0.0F);
      }
      for (int64_t mel = 0; mel < kMels; ++mel) to[mel] = to[mel] * input_scale_ + input_shift_;
    }
  });
}

/// From maps[current], which may then be the other.
void Rmvpe::run_layer(const nn::Context& context, const Layer& layer, Workspace& w, int& current) const {
  for (const RmvpeBlock& block : layer) {
    nn::FeatureMap& x = w.maps[current];
    nn::FeatureMap& y = w.maps[1 - current];
    block.first.run(context, x, w.between, kRelu);
    if (block.shortcut.out() > 0) {
      block.shortcut.run(context, x, y);
      block.second.run(context, w.between, x, kRelu, &y);
    } else {
      block.second.run(context, w.between, y, kRelu, &x);
      current = 1 - current;
    }
  }
}

/// joined = what comes from below, doubled in size, and beside it the rows of the skip from `first_row` on.
void Rmvpe::join(const nn::Context& context, const DecoderLayer& layer, const nn::FeatureMap& from,
                 const nn::FeatureMap& skip, int64_t first_row, nn::FeatureMap& joined, Workspace& w) const {
  const int64_t rows = std::min(2 * from.height(), skip.height() - first_row);
  joined.resize(2 * from.height(), 2 * from.width(), layer.up.out() + skip.channels());
  layer.up.run(context, from, joined, kRelu, w.phase);
  copy_rows(context, skip, first_row, rows, joined, 0, layer.up.out());
}

/// The last decoder layer and the convolution behind it, from workspace.below to flat: per frame, channel by channel.
/// maps[joined] is the large one, of the layer before.
void Rmvpe::run_outer_decoder(const nn::Context& context, Workspace& w, int joined, const Piece& piece,
                              float* flat, const Poll& poll, const Observe& observe) const {
  const DecoderLayer& layer = decoder_.back();
  const nn::FeatureMap& skip = w.skips.front();
  const int64_t stride = nn::row_stride(kCnnChannels * kMels);
  // The convolution behind, and the transposed one, whose lowest row of a band lacks what is below it.
  in_bands(skip.height(), w.band_rows, reach_of(layer.blocks.size(), 2), [&](const Band& band) {
    if (poll) poll();
    const int64_t rows = (band.last - band.first) / 2;
    w.between.resize(rows, w.below.width(), w.below.channels());
    copy_rows(context, w.below, band.first / 2, rows, w.between);
    join(context, layer, w.between, skip, band.first, w.maps[joined], w);
    int current = joined;
    run_layer(context, layer.blocks, w, current);
    nn::FeatureMap& map = w.maps[1 - current];
    cnn_.run(context, w.maps[current], map);
    if (observe) {
      observe("decoder_" + std::to_string(decoder_.size() - 1), w.maps[current]);
      observe("cnn", map);
    }
    const int64_t begin = std::max(band.begin, piece.own_begin);
    const int64_t end = std::min(band.end, piece.own_end);
    context.team.parallel_for(std::max<int64_t>(0, end - begin), [&](int64_t i, int) {
      for (int64_t c = 0; c < kCnnChannels; ++c) {
        float* to = flat + (begin + i - piece.own_begin) * stride + c * kMels;
        for (int64_t mel = 0; mel < kMels; ++mel) to[mel] = map.at(begin + i - band.first, mel)[c];
      }
    });
  });
}

/// flat [piece.own_end - piece.own_begin, 3 kMels]
void Rmvpe::run_unet(const nn::Context& context, Workspace& w, std::span<const float> waveform,
                     const Piece& piece, float* flat, const Poll& poll, const Observe& observe) const {
  const auto see = [&](const std::string& stage, const nn::FeatureMap& map) {
    if (observe) observe(stage, map);
    if (poll) poll();
  };
  w.skips.resize(encoder_.size());
  int current = 0;
  w.skips[0].resize(piece.rows, kMels, encoder_[0].back().second.out());
  in_bands(piece.rows, w.band_rows, reach_of(encoder_[0].size(), 0), [&](const Band& band) {
    current = 0;
    fill_input(context, w, waveform, piece, band.first, band.last, w.maps[current]);
    see("encoder_bn", w.maps[current]);
    run_layer(context, encoder_[0], w, current);
    copy_rows(context, w.maps[current], band.begin - band.first, band.end - band.begin, w.skips[0],
              band.begin);
  });
  for (size_t i = 0; i < encoder_.size(); ++i) {
    if (i > 0) {
      run_layer(context, encoder_[i], w, current);
      copy_map(context, w.maps[current], w.skips[i]);
    }
    nn::average_pool(context, w.skips[i], w.maps[current]);
    see("encoder_" + std::to_string(i), w.maps[current]);
  }
  for (const Layer& layer : intermediate_) run_layer(context, layer, w, current);
  see("intermediate", w.maps[current]);
  int joined = 0;
  for (size_t i = 0; i + 1 < decoder_.size(); ++i) {
    joined = 1 - current;
    join(context, decoder_[i], w.maps[current], w.skips[encoder_.size() - 1 - i], 0, w.maps[joined], w);
    current = joined;
    run_layer(context, decoder_[i].blocks, w, current);
    see("decoder_" + std::to_string(i), w.maps[current]);
  }
  copy_map(context, w.maps[current], w.below);
  run_outer_decoder(context, w, joined, piece, flat, poll, observe);
}

/// The first `own` of the `rows` rows in workspace.flat; `frames` of these are the recording's, from `first` on.
void Rmvpe::run_gru(const nn::Context& context, Workspace& w, int64_t rows, int64_t own, int64_t first,
                    int64_t frames, const TakeSalience& take) const {
  const int64_t stride = nn::row_stride(gru_.out());
  float* states = w.states.reserve(own * stride);
  gru_.run(context, w.flat.data(), nn::row_stride(kCnnChannels * kMels), rows, own, w.state, states, stride,
           w.gates);
  for (int64_t begin = 0; begin < frames; begin += kRowsOfSalience) {
    const int64_t count = std::min(kRowsOfSalience, frames - begin);
    w.salience.resize(static_cast<size_t>(count * kSalienceBins));
    nn::multiply(context, nn::matrix_rows(states + begin * stride, stride, gru_.out()), count, output_,
                 w.salience.data(), kSalienceBins, {.activation = {nn::Activation::Kind::kSigmoid}});
    take(first + begin, w.salience);
  }
}

void Rmvpe::run(const nn::Context& context, Workspace& w, std::span<const float> waveform,
                const TakeSalience& take, const Poll& poll, const Observe& observe) const {
  const int64_t count = frames(static_cast<int64_t>(waveform.size()));
  const int64_t step = int64_t{1} << encoder_.size();
  const auto whole_steps = [&](int64_t rows) { return (rows + step - 1) / step * step; };
  const int64_t most = count <= w.whole_frames ? whole_steps(count) : w.piece_frames;
  const int64_t stride = nn::row_stride(kCnnChannels * kMels);
  float* flat = w.flat.reserve(std::min(whole_steps(count), 2 * most) * stride);
  w.state.assign(static_cast<size_t>(gru_.out()), 0.0F);
  int64_t heard = 0;  // frames that the GRU is done with
  for (int64_t begin = 0; begin < count; begin += most) {
    const bool is_last = begin + most >= count;
    const int64_t end =
        is_last ? whole_steps(count) : begin + most;  // the GRU hears what the end is filled up with
    const int64_t first = std::max<int64_t>(0, begin - w.context_frames);
    const int64_t last = std::min(end + w.context_frames, count);
    const Piece piece = {first, last, whole_steps(last - first), begin - first, end - first};
    run_unet(context, w, waveform, piece, flat + (begin - heard) * stride, poll, observe);
    if (begin == heard && !is_last) continue;  // backward is to hear a piece ahead
    const int64_t own = is_last ? end - heard : most;
    run_gru(context, w, end - heard, own, heard, std::min(own, count - heard), take);
    std::copy(flat + own * stride, flat + (end - heard) * stride, flat);
    heard += own;
  }
}

}  // namespace contentvec::f0
