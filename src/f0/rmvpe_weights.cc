// RMVPE's tensors: their table, and how they are packed.

#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "f0/rmvpe.h"
#include "f0/salience.h"
#include "runtime/fail.h"
#include "tensors/batch_norm.h"

namespace contentvec::f0 {
namespace {

void add_block(tensors::SyntheticTable& table, const std::string& name, int64_t in, int64_t out) {
  table.weight(name + ".conv.0.weight", {out, in, 3, 3}, 0.8);
  table.batch_norm(name + ".conv.1", out);
  table.weight(name + ".conv.3.weight", {out, out, 3, 3}, 0.8);
  table.batch_norm(name + ".conv.4", out, 0.4);
  if (in != out) table.layer(name + ".shortcut", {out, in, 1, 1}, 0.7);
}

void add_layer(tensors::SyntheticTable& table, const std::string& name, int64_t in, int64_t out,
               int64_t blocks) {
  for (int64_t i = 0; i < blocks; ++i)
    add_block(table, fmt::format("{}.{}", name, i), i == 0 ? in : out, out);
}

/// Reads and packs tensors by name.
class Packer {
 public:
  Packer(const nn::Kernels& kernels, const tensors::NamedTensors& tensors)
      : kernels_(kernels), tensors_(tensors) {}

  [[nodiscard]] std::vector<float> read(const std::string& name) const { return tensors_.read(name); }

  [[nodiscard]] nn::ChannelAffine batch_norm(const std::string& name) const {
    const tensors::BatchNorm stored = tensors::read_batch_norm(tensors_, name);
    nn::ChannelAffine norm = {stored.scale, {}};
    norm.shift.reserve(stored.scale.size());
    for (size_t i = 0; i < stored.scale.size(); ++i) {
      norm.shift.push_back(static_cast<double>(stored.shift[i]) -
                           static_cast<double>(stored.mean[i]) * stored.scale[i]);
    }
    return norm;
  }

  [[nodiscard]] nn::Conv2d conv(const std::string& weight, const std::string& norm) const {
    const std::vector<int64_t> shape = tensors_.shape(weight);
    const nn::ChannelAffine affine = batch_norm(norm);
    return {kernels_, shape[1], shape[0], shape[2], read(weight), {}, &affine};
  }
  [[nodiscard]] nn::Conv2d conv_with_bias(const std::string& name) const {
    const std::vector<int64_t> shape = tensors_.shape(name + ".weight");
    return {kernels_, shape[1], shape[0], shape[2], read(name + ".weight"), read(name + ".bias")};
  }
  [[nodiscard]] nn::UpConv2d up(const std::string& name) const {
    const std::vector<int64_t> shape = tensors_.shape(name + ".0.weight");
    return {kernels_, shape[0], shape[1], read(name + ".0.weight"), batch_norm(name + ".1")};
  }
  [[nodiscard]] RmvpeBlock block(const std::string& name) const {
    RmvpeBlock packed = {
        conv(name + ".conv.0.weight", name + ".conv.1"), conv(name + ".conv.3.weight", name + ".conv.4"), {}};
    if (tensors_.has(name + ".shortcut.weight")) packed.shortcut = conv_with_bias(name + ".shortcut");
    return packed;
  }
  [[nodiscard]] nn::BidirectionalGru::Direction direction(const std::string& suffix) const {
    const std::string name = "fc.0.gru.";
    return {read(name + "weight_ih_l0" + suffix), read(name + "weight_hh_l0" + suffix),
            read(name + "bias_ih_l0" + suffix), read(name + "bias_hh_l0" + suffix)};
  }

 private:
  const nn::Kernels& kernels_;
  const tensors::NamedTensors& tensors_;
};

/// The table has a row for each block of each layer: a file could name so many of both that it fills the memory.
int64_t count_of(const tensors::NamedTensors& tensors, const std::string& before, const std::string& after) {
  constexpr int64_t kMost = 64;
  int64_t count = 0;
  while (tensors.has(fmt::format("{}{}{}", before, count, after))) {
    if (count == kMost) fail("an RMVPE with more than {} of {}N; the released one has 5", kMost, before);
    ++count;
  }
  return count;
}

constexpr const char* kFirstOf = ".conv.0.weight";  // a block's first weight

}  // namespace

std::vector<tensors::Synthetic> rmvpe_tensors(const RmvpeConfig& c) {
  tensors::SyntheticTable table;
  table.batch_norm("unet.encoder.bn", 1, 1.0, {1.0, -5.0}, {1.0, 9.0});
  int64_t in = 1;
  int64_t out = c.channels;
  for (int64_t i = 0; i < c.layers; ++i, in = out, out *= 2)
    add_layer(table, fmt::format("unet.encoder.layers.{}.conv", i), in, out, c.blocks);
  for (int64_t i = 0; i < c.intermediate_layers; ++i, in = out)
    add_layer(table, fmt::format("unet.intermediate.layers.{}.conv", i), in, out, c.blocks);
  for (int64_t i = 0; i < c.layers; ++i, in /= 2) {
    const std::string name = fmt::format("unet.decoder.layers.{}", i);
    // A pixel sees 9 / 4 taps on the average.
    table.add(name + ".conv1.0.weight", {in, in / 2, 3, 3},
              {std::sqrt(3.0 / (static_cast<double>(in) * 9 / 4))});
    table.batch_norm(name + ".conv1.1", in / 2);
    add_layer(table, name + ".conv2", in, in / 2, c.blocks);
  }
  table.layer("cnn", {3, in, 3, 3});
  for (const char* suffix : {"", "_reverse"}) {
    const std::string name = "fc.0.gru.";
    table.weight(name + "weight_ih_l0" + suffix, {3 * c.gru_hidden, 3 * Rmvpe::kMels});
    table.weight(name + "weight_hh_l0" + suffix, {3 * c.gru_hidden, c.gru_hidden}, 1.5);
    table.bias(name + "bias_ih_l0" + suffix, 3 * c.gru_hidden);
    table.bias(name + "bias_hh_l0" + suffix, 3 * c.gru_hidden);
  }
  table.weight("fc.1.weight", {kSalienceBins, 2 * c.gru_hidden}, 4.0);
  table.bias("fc.1.bias", kSalienceBins, 1.0, -5.0);
  return table.release();
}

RmvpeConfig infer_rmvpe(const tensors::NamedTensors& tensors) {
  const auto size = [&](const std::string& name, size_t axis, int64_t otherwise) {
    const std::vector<int64_t> shape = tensors.shape(name);
    return axis < shape.size() && shape[axis] > 0 && shape[axis] <= 4096 ? shape[axis] : otherwise;
  };
  RmvpeConfig c;
  const std::string first = "unet.encoder.layers.0.conv.";
  c.channels = size(first + "0" + kFirstOf, 0, c.channels);
  c.blocks = std::max<int64_t>(1, count_of(tensors, first, kFirstOf));
  c.layers =
      std::clamp<int64_t>(count_of(tensors, "unet.encoder.layers.", std::string(".conv.0") + kFirstOf), 1, 7);
  c.intermediate_layers = count_of(tensors, "unet.intermediate.layers.", std::string(".conv.0") + kFirstOf);
  c.gru_hidden = size("fc.0.gru.weight_hh_l0", 1, c.gru_hidden);
  return c;
}

Rmvpe::Rmvpe(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const RmvpeConfig& c,
             const nn::Packers& packers)
    : spectrum_(kFftSize), mel_basis_(dsp::MelScale::kHtk, 16000, kFftSize, kMels, 30, 8000) {
  const Packer packer(kernels, tensors);
  const nn::ChannelAffine input = packer.batch_norm("unet.encoder.bn");
  input_scale_ = static_cast<float>(input.scale.front());
  input_shift_ = static_cast<float>(input.shift.front());
  std::vector<std::function<void()>> jobs;
  const auto add_jobs = [&](Layer& layer, const std::string& name) {
    layer.resize(static_cast<size_t>(c.blocks));
    for (size_t i = 0; i < layer.size(); ++i) {
      jobs.emplace_back(
          [&packer, &block = layer[i], of = fmt::format("{}.{}", name, i)] { block = packer.block(of); });
    }
  };
  encoder_.resize(static_cast<size_t>(c.layers));
  intermediate_.resize(static_cast<size_t>(c.intermediate_layers));
  decoder_.resize(static_cast<size_t>(c.layers));
  for (size_t i = 0; i < intermediate_.size(); ++i)
    add_jobs(intermediate_[i], fmt::format("unet.intermediate.layers.{}.conv", i));
  for (size_t i = 0; i < encoder_.size(); ++i) {
    const std::string name = fmt::format("unet.decoder.layers.{}", i);
    jobs.emplace_back([&packer, &layer = decoder_[i], of = name + ".conv1"] { layer.up = packer.up(of); });
    add_jobs(decoder_[i].blocks, name + ".conv2");
    add_jobs(encoder_[i], fmt::format("unet.encoder.layers.{}.conv", i));
  }
  packers.team().parallel_for(static_cast<int64_t>(jobs.size()),
                              [&](int64_t job, int) { jobs[static_cast<size_t>(job)](); });
  cnn_ = packer.conv_with_bias("cnn");
  gru_ = {kernels, 3 * kMels, c.gru_hidden, packer.direction(""), packer.direction("_reverse")};
  output_ = {kernels, packer.read("fc.1.weight"), kSalienceBins, 2 * c.gru_hidden, packer.read("fc.1.bias")};
}

}  // namespace contentvec::f0
