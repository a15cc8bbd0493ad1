#include "nn/winograd.h"

#include <algorithm>
#include <array>

#include "nn/matmul.h"
#include "nn/rounding.h"

namespace contentvec::nn {
namespace {

constexpr int64_t kTile = kWinogradOutputs;
constexpr int64_t kLeastTiles = 3;  // below that transforming the weights costs more than it saves
constexpr int64_t kLeastChannels = 8;
constexpr int64_t kTilesAtATime = 96;  // so that few inputs' transforms and products stay in L2
constexpr int64_t kInputFloats = int64_t{1} << 20;
constexpr int64_t kWeightChannels = 128;  // whose transforms are used while they are in L2
constexpr int64_t kCacheLine = 16;        // in floats: what keeps planes out of each other's cache sets

/// One convolution: its tiles row by row, cut into blocks, each with groups of panels of the weights.
class Convolution {
 public:
  Convolution(const Context& context, const FeatureMap& from, const PackedMatrix& weights, FeatureMap& to,
              const Epilogue& epilogue)
      : context_(context), from_(from), weights_(weights), to_(to), epilogue_(epilogue) {
    const int64_t fitting = kInputFloats / (kWinogradPlaces * from.channels());
    const int64_t blocks = divide_up(tiles_, std::clamp<int64_t>(fitting, 12, kTilesAtATime));
    block_ = divide_up(tiles_, blocks);
    // Every group transforms the block's inputs anew, so there are no more of them than the threads need.
    const int64_t panels = panels_of(context.kernels, to.channels());
    const int64_t threads = context.team.size();
    const int64_t wanted = threads == 1 ? 1 : divide_up(2 * threads, blocks);
    group_ = divide_up(panels, std::min(wanted, panels)) * panel_width_;
    groups_ = divide_up(to.channels(), group_);
    input_plane_ = block_ * row_stride(from.channels()) + kCacheLine;
    product_stride_ = std::min(panel_width_, row_stride(to.channels()));
    product_plane_ = block_ * product_stride_ + kCacheLine;
    weight_plane_ = std::min(kWeightChannels, from.channels()) * panel_width_ + kCacheLine;
  }

  void run() const {
    context_.reserve_scratch(kWinogradPlaces * (input_plane_ + product_plane_ + weight_plane_));
    context_.team.parallel_for(divide_up(tiles_, block_) * groups_,
                               [&](int64_t part, int thread) { run_part(part, thread); });
  }

 private:
  void run_part(int64_t part, int thread) const {
    const int64_t begin = part / groups_ * block_;
    const int64_t end = std::min(begin + block_, tiles_);
    const int64_t first_column = part % groups_ * group_;
    const int64_t end_column = std::min(first_column + group_, to_.channels());
    float* scratch = context_.scratch(thread);
    const WinogradPlanes inputs = {scratch, row_stride(from_.channels()), input_plane_};
    const WinogradPlanes products = {scratch + kWinogradPlaces * input_plane_, product_stride_,
                                     product_plane_};
    const WinogradPlanes weights = {products.data + kWinogradPlaces * product_plane_, panel_width_,
                                    weight_plane_};
    transform_inputs(begin, end, inputs);
    for (int64_t column = first_column; column < end_column; column += panel_width_) {
      const int64_t columns = std::min(panel_width_, end_column - column);
      for (int64_t channel = 0; channel < from_.channels(); channel += kWeightChannels) {
        const int64_t channels = std::min(kWeightChannels, from_.channels() - channel);
        context_.kernels.winograd_weights(weights_.panels(column), from_.channels(), channel, channels,
                                          weights);
        for (int64_t place = 0; place < kWinogradPlaces; ++place) {
          const float* input = inputs.data + place * inputs.plane_stride + channel;
          context_.kernels.float32->product(matrix_rows(input, inputs.row_stride, channels), end - begin,
                                            weights.data + place * weights.plane_stride, columns,
                                            products.data + place * products.plane_stride,
                                            products.row_stride, {.accumulate = channel > 0},
                                            context_.product_scratch(thread));
        }
      }
      transform_outputs(begin, end, column, columns, products);
    }
  }

  /// Calls run(y, x, count, row) for the tiles [begin, end): `count` side by side from the pixel [y, x] on, which are
  /// the block's from `row` on.
  template <typename Run>
  void for_runs(int64_t begin, int64_t end, const Run& run) const {
    for (int64_t tile = begin; tile < end;) {
      const int64_t in_row = tile % tiles_across_;
      const int64_t count = std::min(end - tile, tiles_across_ - in_row);
      run(tile / tiles_across_ * kTile, in_row * kTile, count, tile - begin);
      tile += count;
    }
  }

  static WinogradPlanes from_row(WinogradPlanes planes, int64_t row) {
    planes.data += row * planes.row_stride;
    return planes;
  }

  void transform_inputs(int64_t begin, int64_t end, const WinogradPlanes& inputs) const {
    for_runs(begin, end, [&](int64_t y, int64_t x, int64_t count, int64_t row) {
      std::array<const float*, kWinogradInputs> rows;
      for (int64_t i = 0; i < kWinogradInputs; ++i) {
        // Below the border, which is zero, only the border again: it is seen by outputs that are thrown away.
        rows[static_cast<size_t>(i)] = from_.at(std::min(y - 1 + i, from_.height()), x - 1);
      }
      context_.kernels.winograd_input(rows.data(), from_.channels(), count, from_row(inputs, row));
    });
  }

  void transform_outputs(int64_t begin, int64_t end, int64_t column, int64_t columns,
                         const WinogradPlanes& products) const {
    Epilogue epilogue = epilogue_;
    epilogue.bias = weights_.bias() == nullptr ? nullptr : weights_.bias() + column;
    for_runs(begin, end, [&](int64_t y, int64_t x, int64_t count, int64_t row) {
      float* pixel = to_.at(y, x) + column;
      if (epilogue_.residual != nullptr) epilogue.residual = epilogue_.residual + (pixel - to_.at(0, 0));
      context_.kernels.winograd_output(
          from_row(products, row), count, columns, epilogue,
          {pixel, to_.channels(), to_.row_stride(), std::min(kTile, to_.height() - y)});
    });
  }

  const Context& context_;
  const FeatureMap& from_;
  const PackedMatrix& weights_;
  FeatureMap& to_;
  const Epilogue& epilogue_;
  int64_t panel_width_ = context_.kernels.panel_width;
  int64_t tiles_across_ = from_.width() / kTile;
  int64_t tiles_ = tiles_across_ * divide_up(from_.height(), kTile);
  int64_t block_ = 0;  ///< tiles
  int64_t group_ = 0;  ///< columns
  int64_t groups_ = 0;
  int64_t input_plane_ = 0;
  int64_t product_stride_ = 0;
  int64_t product_plane_ = 0;
  int64_t weight_plane_ = 0;
};

}  // namespace

bool winograd_pays(const Kernels& kernels, const FeatureMap& from) {
  const int64_t tiles = from.width() / kTile * divide_up(from.height(), kTile);
  return kernels.winograd_weights != nullptr && from.width() % kTile == 0 && tiles >= kLeastTiles &&
         from.channels() >= kLeastChannels;
}

void run_winograd(const Context& context, const FeatureMap& from, const PackedMatrix& weights, FeatureMap& to,
                  const Epilogue& epilogue) {
  Convolution(context, from, weights, to, epilogue).run();
}

}  // namespace contentvec::nn
