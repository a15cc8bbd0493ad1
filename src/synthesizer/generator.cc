#include "synthesizer/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "nn/matmul.h"
#include "nn/rounding.h"
#include "tensors/axes.h"
#include "tensors/scale.h"
#include "tensors/weight_norm.h"

namespace contentvec::synthesizer {
namespace {

constexpr nn::Activation kLeakyRelu = {nn::Activation::Kind::kLeakyRelu, 0.1F};
constexpr nn::Activation kLastLeakyRelu = {nn::Activation::Kind::kLeakyRelu, 0.01F};
constexpr int64_t kReach = kGeneratorKernel / 2;

/// The mean over a stage's blocks is taken as their sum: leaky_relu(x / n) = leaky_relu(x) / n, and the division is the
/// next convolution's weights'.
double mean_of_blocks(const VoiceConfig& config) {
  return 1.0 / static_cast<double>(config.resblock_kernel_sizes.size());
}

RowSpan widened(RowSpan rows, int64_t by) {
  return {rows.begin - by, rows.end + by};
}

}  // namespace

Generator::Generator(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                     const VoiceConfig& config, const nn::Packers& packers)
    : kernels_(kernels),
      inter_channels_(config.inter_channels),
      width_(config.upsample_initial_channel),
      cond_weight_(tensors.read("dec.cond.weight")),
      cond_bias_(tensors.read("dec.cond.bias")) {
  const nn::Kernels& float32 = *kernels.float32;  // for what takes no time
  pre_.assign(float32,
              tensors::swap_last_axes(tensors::read_weight(tensors, "dec.conv_pre", 0), width_,
                                      inter_channels_, kGeneratorKernel),
              width_, kGeneratorKernel * inter_channels_, tensors.read("dec.conv_pre.bias"));
  int64_t rows_per_frame = 1;
  for (size_t i = 0; i < config.upsample_rates.size(); ++i) {
    const int64_t channels = width_ >> (i + 1);
    const int64_t rate = config.upsample_rates[i];
    rows_per_frame *= rate;
    Stage stage = {.rate = rate, .rows_per_frame = rows_per_frame, .channels = channels};
    if (config.f0) {
      stage.noise_stride = config.samples_per_frame() / rows_per_frame;
      stage.noise_taps = stage.noise_stride == 1 ? 1 : 2 * stage.noise_stride;
      const std::string noise = fmt::format("dec.noise_convs.{}", i);
      stage.noise.assign(float32, tensors.read(noise + ".weight"), channels, stage.noise_taps,
                         tensors.read(noise + ".bias"));
    }
    stages_.push_back(std::move(stage));
  }
  pack_stages(tensors, config, packers);
  const int64_t last = stages_.back().channels;
  std::vector<float> post =
      tensors::swap_last_axes(tensors.read("dec.conv_post.weight"), 1, last, kGeneratorKernel);
  tensors::scale(post, mean_of_blocks(config));
  post_.assign(float32, post, 1, kGeneratorKernel * last, {});
}

/// What takes most of a voice's loading: each stage's upsampling and its blocks, the largest stage first.
void Generator::pack_stages(const tensors::NamedTensors& tensors, const VoiceConfig& config,
                            const nn::Packers& packers) {
  const size_t blocks = config.resblock_kernel_sizes.size();
  std::vector<std::optional<ResidualBlock>> packed(stages_.size() * blocks);
  packers.team().parallel_for(static_cast<int64_t>(stages_.size() * (blocks + 1)), [&](int64_t job, int) {
    const size_t i = static_cast<size_t>(job) / (blocks + 1);
    const size_t j = static_cast<size_t>(job) % (blocks + 1);
    Stage& stage = stages_[i];
    if (j < blocks) {
      packed[i * blocks + j].emplace(kernels_, tensors, fmt::format("dec.resblocks.{}", i * blocks + j),
                                     config.resblock, stage.channels, config.resblock_kernel_sizes[j],
                                     config.resblock_dilation_sizes[j]);
      return;
    }
    const std::string up = fmt::format("dec.ups.{}", i);
    const int64_t kernel = config.upsample_kernel_sizes[i];
    std::vector<float> weight = tensors::read_weight(tensors, up, 0);
    if (i > 0) tensors::scale(weight, mean_of_blocks(config));
    stage.up = {kernels_,   2 * stage.channels,        stage.channels, kernel,
                stage.rate, (kernel - stage.rate) / 2, weight,         tensors.read(up + ".bias")};
  });
  for (size_t i = 0; i < packed.size(); ++i) stages_[i / blocks].blocks.push_back(std::move(*packed[i]));
}

/// Some frames through all of it, on one thread.
class Generator::Piece {
 public:
  Piece(const Generator& generator, Workspace::OfThread& memory, std::byte* product_scratch,
        const Observe& observe)
      : generator_(generator), memory_(memory), product_scratch_(product_scratch), observe_(observe) {}

  /// audio: from the first of the frames on.
  void run(RowSpan frames, int64_t all_frames, const float* z, const float* condition,
           std::span<const float> source, float* audio) {
    all_frames_ = all_frames;
    plan(frames);
    run_pre(z, condition);
    for (size_t i = 0; i < stages().size(); ++i) run_stage(i, source);
    run_post(audio);
  }

 private:
  [[nodiscard]] const std::vector<Stage>& stages() const { return generator_.stages_; }
  [[nodiscard]] RowSpan utterance(const Stage& stage) const {
    return {0, all_frames_ * stage.rows_per_frame};
  }
  /// What a stage leaves; 0: conv_pre.
  [[nodiscard]] Stretch& result(size_t stage) { return memory_.results[stage % 2]; }

  /// From the last step to the first: which rows each has to give.
  void plan(RowSpan frames) {
    const Stage& last = stages().back();
    samples_ = {frames.begin * last.rows_per_frame, frames.end * last.rows_per_frame};
    memory_.needed.resize(stages().size() + 1);
    memory_.needed_upsampled.resize(stages().size());
    RowSpan read = widened(samples_, kReach);
    for (size_t i = stages().size(); i > 0; --i) {
      const Stage& stage = stages()[i - 1];
      memory_.needed[i] = {clipped(read, utterance(stage)), read};
      RowSpan needed = memory_.needed[i].rows;
      for (const ResidualBlock& block : stage.blocks)
        needed = both(needed, block.inputs_of(memory_.needed[i].rows));
      memory_.needed_upsampled[i - 1] = {clipped(needed, utterance(stage)), needed};
      read = stage.up.inputs_of(places(i - 1));
    }
    memory_.needed[0] = {clipped(read, {0, all_frames_}), read};
  }
  /// Those rows of the step before a stage around whose places it has to give rows.
  [[nodiscard]] RowSpan places(size_t stage) const {
    const RowSpan rows = memory_.needed_upsampled[stage].rows;
    const int64_t rate = stages()[stage].rate;
    return {nn::divide_down(rows.begin, rate), nn::divide_up(rows.end, rate)};
  }

  void run_pre(const float* z, const float* condition) {
    const int64_t channels = generator_.inter_channels_;
    const RowSpan rows = memory_.needed[0].rows;
    const RowSpan read = widened(rows, kReach);
    const RowSpan there = clipped(read, {0, all_frames_});
    Stretch& padded = memory_.padded;
    padded.resize(read, channels);
    padded.clear_outside(there);
    std::copy(z + there.begin * channels, z + there.end * channels, padded.row(there.begin));
    Stretch& pre = result(0);
    pre.resize(memory_.needed[0].read, generator_.width_);
    nn::multiply(*generator_.kernels_.float32,
                 {padded.row(read.begin), channels, 1, kGeneratorKernel * channels, 0}, rows.count(),
                 generator_.pre_, pre.row(rows.begin), generator_.width_,
                 {.residual = condition, .residual_stride = 0}, product_scratch_);
    observe("generator_pre", pre, rows);
    finish(pre, rows, kLeakyRelu);
  }

  void run_stage(size_t index, std::span<const float> source) {
    const Stage& stage = stages()[index];
    upsample(index);
    Stretch& x = memory_.upsampled;
    if (!source.empty()) add_noise(stage, memory_.needed_upsampled[index].rows, source);
    x.clear_outside(utterance(stage));
    observe(fmt::format("generator_up_{}", index), x, memory_.needed_upsampled[index].rows);

    const Workspace::Needed& needed = memory_.needed[index + 1];
    Stretch& sum = result(index + 1);
    RowSpan span = needed.read;
    for (const ResidualBlock& block : stage.blocks) span = both(span, block.outputs_of(needed.rows));
    sum.resize(span, stage.channels);
    sum.clear_outside(needed.rows);
    for (const ResidualBlock& block : stage.blocks) {
      block.run(x, utterance(stage).end, needed.rows, &block != &stage.blocks.front(), sum, memory_.block,
                product_scratch_);
    }
    if (observe_) observe_mean(index);
    finish(sum, needed.rows, index + 1 == stages().size() ? kLastLeakyRelu : kLeakyRelu);
  }

  void upsample(size_t index) {
    const Stage& stage = stages()[index];
    const RowSpan at = places(index);
    const RowSpan made = {at.begin * stage.rate, at.end * stage.rate};
    const Stretch& from = result(index);
    memory_.upsampled.resize(both(memory_.needed_upsampled[index].read, made), stage.channels);
    stage.up.run(generator_.kernels_, from.row(stage.up.inputs_of(at).begin), from.channels(), at.count(),
                 memory_.upsampled.row(made.begin), product_scratch_);
  }

  void add_noise(const Stage& stage, RowSpan rows, std::span<const float> source) {
    const int64_t padding = stage.noise_taps / 4;
    const RowSpan read = {rows.begin * stage.noise_stride - padding,
                          (rows.end - 1) * stage.noise_stride - padding + stage.noise_taps};
    const RowSpan there = clipped(read, {0, static_cast<int64_t>(source.size())});
    Stretch& padded = memory_.padded;
    padded.resize(read, 1);
    padded.clear_outside(there);
    std::copy(source.begin() + there.begin, source.begin() + there.end, padded.row(there.begin));
    nn::multiply(*generator_.kernels_.float32,
                 {padded.row(read.begin), stage.noise_stride, 1, stage.noise_taps, 0}, rows.count(),
                 stage.noise, memory_.upsampled.row(rows.begin), stage.channels, {.accumulate = true},
                 product_scratch_);
  }

  void run_post(float* audio) {
    const Stretch& x = result(stages().size());
    const RowSpan read = widened(samples_, kReach);
    nn::multiply(*generator_.kernels_.float32,
                 {x.row(read.begin), x.channels(), 1, kGeneratorKernel * x.channels(), 0}, samples_.count(),
                 generator_.post_, audio, 1, {.activation = {nn::Activation::Kind::kTanh}}, product_scratch_);
  }

  /// What the next step reads.
  void finish(Stretch& x, RowSpan rows, nn::Activation activation) {
    generator_.kernels_.activate(x.row(rows.begin), x.channels(), rows.count(), x.channels(), activation,
                                 x.row(rows.begin), x.channels());
    x.clear_outside(rows);
  }

  void observe(const std::string& stage, const Stretch& x, RowSpan rows) const {
    if (observe_) observe_(stage, x.row(rows.begin), rows.count(), x.channels());
  }
  void observe_mean(size_t index) {
    const Stretch& sum = result(index + 1);
    const RowSpan rows = memory_.needed[index + 1].rows;
    std::vector<float> mean(sum.row(rows.begin), sum.row(rows.end));
    tensors::scale(mean, 1.0 / static_cast<double>(stages()[index].blocks.size()));
    observe_(fmt::format("generator_{}", index), mean.data(), rows.count(), sum.channels());
  }

  const Generator& generator_;
  Workspace::OfThread& memory_;
  std::byte* product_scratch_;
  const Observe& observe_;
  int64_t all_frames_ = 0;
  RowSpan samples_ = {0, 0};
};

void Generator::run(const nn::Context& context, Workspace& workspace, const float* z, int64_t frames,
                    std::span<const float> speaker, std::span<const float> source, float* audio,
                    const Progress& progress, const Observe& observe, std::optional<RowSpan> wanted) const {
  std::vector<float>& condition = workspace.condition;
  condition.resize(cond_bias_.size());
  for (size_t c = 0; c < condition.size(); ++c) {
    auto sum = static_cast<double>(cond_bias_[c]);
    const float* w = cond_weight_.data() + c * speaker.size();
    for (size_t i = 0; i < speaker.size(); ++i)
      sum += static_cast<double>(w[i]) * static_cast<double>(speaker[i]);
    condition[c] = static_cast<float>(sum);
  }
  // As many pieces as the threads can share evenly; to be seen, all at once.
  const RowSpan all = wanted.value_or(RowSpan{0, frames});
  const int64_t samples_per_frame = stages_.back().rows_per_frame;
  const int64_t threads = context.team.size();
  const int64_t most = std::max<int64_t>(1, observe ? all.count() : workspace.piece_frames);
  const int64_t rounds = nn::divide_up(all.count(), most * threads);
  const int64_t pieces = observe ? 1 : std::min(all.count(), rounds * threads);
  workspace.threads.resize(static_cast<size_t>(threads));
  std::atomic<int64_t> done = 0;
  context.team.parallel_for(pieces, [&](int64_t item, int thread) {
    // Where there are enough, each piece has its own memory: what it takes then depends on the piece, not on which
    // threads were free, and a second pass of the same shape takes none.
    const int64_t memory = pieces <= threads ? item : thread;
    Piece piece(*this, workspace.threads[static_cast<size_t>(memory)], context.product_scratch(thread),
                observe);
    const int64_t begin = all.count() * item / pieces;
    const int64_t end = all.count() * (item + 1) / pieces;
    piece.run({all.begin + begin, all.begin + end}, frames, z, condition.data(), source,
              audio + begin * samples_per_frame);
    const int64_t count = done.fetch_add(1) + 1;
    if (progress && thread == 0) progress(static_cast<double>(count) / static_cast<double>(pieces));
  });
}

}  // namespace contentvec::synthesizer
