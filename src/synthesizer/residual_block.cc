#include "synthesizer/residual_block.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensors/axes.h"
#include "tensors/weight_norm.h"

namespace contentvec::synthesizer {
namespace {

constexpr float kSlope = 0.1F;
/// Rows that the convolutions hand on at a time: few, so that what is between them stays in cache beside the weights,
/// or where these are wider than that and come from memory for each step, more. Whole blocks of the dilations 1, 3, 5.
int64_t rows_per_step(int64_t channels) {
  return channels < 256 ? 480 : 960;
}

}  // namespace

ResidualBlock::ResidualBlock(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                             const std::string& name, int kind, int64_t channels, int64_t kernel,
                             const std::vector<int64_t>& dilations)
    // For so few channels bfloat16 would save little time, and cost 1 dB of noise.
    : kernels_(channels <= 32 ? *kernels.float32 : kernels), kind_(kind), channels_(channels) {
  const auto add = [&](const std::string& conv, int64_t dilation) {
    const std::vector<float> weight = tensors::read_weight(tensors, conv, 0);
    convs_.emplace_back(kernels_, channels, channels, kernel, dilation,
                        tensors::swap_last_axes(weight, channels, channels, kernel),
                        tensors.read(conv + ".bias"));
  };
  for (size_t i = 0; i < dilations.size(); ++i) {
    if (kind == 2) {
      add(fmt::format("{}.convs.{}", name, i), dilations[i]);
    } else {
      add(fmt::format("{}.convs1.{}", name, i), dilations[i]);
      add(fmt::format("{}.convs2.{}", name, i), 1);
    }
  }
}

/// The whole blocks of each convolution that rows of the result need.
void ResidualBlock::find_spans(RowSpan rows, std::vector<RowSpan>& spans) const {
  spans.resize(convs_.size());
  for (size_t i = convs_.size(); i-- > 0;) {
    spans[i] = convs_[i].blocks_of(rows);
    rows = convs_[i].inputs_of(spans[i]);
  }
}

RowSpan ResidualBlock::inputs_of(RowSpan rows) const {
  for (size_t i = convs_.size(); i-- > 0;) rows = convs_[i].inputs_of(convs_[i].blocks_of(rows));
  return rows;
}

void ResidualBlock::run(const Stretch& x, int64_t utterance_rows, RowSpan rows, bool accumulate, Stretch& sum,
                        Workspace& workspace, std::byte* product_scratch) const {
  std::vector<RowSpan>& whole = workspace.whole;
  find_spans(rows, whole);
  std::vector<int64_t>& done = workspace.done;
  done.resize(whole.size());
  std::transform(whole.begin(), whole.end(), done.begin(), [](RowSpan span) { return span.begin; });
  const int64_t step = rows_per_step(channels_);
  // Rows that a convolution does at a time at most, wherever its blocks begin: what is taken for them then depends on
  // nothing but the block.
  int64_t most = step + convs_.front().block();
  for (const nn::SameConv1d& conv : convs_) most += conv.inputs_of({0, 0}).count() + 2 * conv.block();

  const size_t last = convs_.size() - 1;
  std::vector<Stretch>& between = workspace.between;
  if (between.size() < last) between.resize(last);
  for (size_t i = 0; i < last; ++i) {
    const int64_t seen = convs_[i + 1].inputs_of({0, 0}).count() + convs_[i].block() + convs_[i + 1].block();
    between[i].resize({whole[i].begin, whole[i].begin + most + 2 * seen}, channels_);
  }
  int64_t most_scratch = 0;
  for (const nn::SameConv1d& conv : convs_)
    most_scratch = std::max(most_scratch, conv.scratch_size(most + conv.block()));
  float* scratch = workspace.scratch.reserve(most_scratch);

  for (int64_t end = rows.begin; end < rows.end;) {
    end = std::min(end + step, rows.end);
    std::vector<RowSpan>& now = workspace.now;
    find_spans({rows.begin, end}, now);
    for (size_t i = 0; i <= last; ++i) {
      const nn::SameConv1d& conv = convs_[i];
      const RowSpan all = {done[i], now[i].end};
      Stretch& output = i == last ? sum : between[i];
      if (i < last) {
        int64_t kept = std::min(done[i], convs_[i + 1].inputs_of({done[i + 1], done[i + 1]}).begin);
        for (size_t reader = i + 1; reader <= last; ++reader) {
          if (adds_residual(reader) && residual_of(reader) == i + 1) kept = std::min(kept, done[reader]);
        }
        output.advance(kept, done[i]);
      }
      // Beyond the utterance's ends nothing is computed: what is there is zero.
      const RowSpan inside = clipped(all, conv.blocks_of({0, utterance_rows}));
      if (inside.count() > 0) {
        const Stretch& input = i == 0 ? x : between[i - 1];
        nn::Epilogue epilogue;
        if (!adds_residual(i)) {
          epilogue.activation = {nn::Activation::Kind::kLeakyRelu, kSlope};
        } else {
          const size_t of = residual_of(i);
          epilogue.residual = (of == 0 ? x : between[of - 1]).row(inside.begin);
          epilogue.residual_stride = channels_;
          epilogue.accumulate = accumulate && i == last;
        }
        const bool is_active = i > 0 && !adds_residual(i - 1);
        conv.run(kernels_, input.row(conv.inputs_of(inside).begin), channels_, is_active ? 1.0F : kSlope,
                 inside.count(), output.row(inside.begin), channels_, epilogue, scratch, product_scratch);
      }
      if (i < last) {
        output.clear({all.begin, std::min<int64_t>(0, all.end)});
        output.clear({std::max(utterance_rows, all.begin), all.end});
      }
      done[i] = all.end;
    }
  }
}

}  // namespace contentvec::synthesizer
