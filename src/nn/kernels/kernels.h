#pragma once

#include <cstdint>

namespace contentvec::nn {

/// The left side of a product: rows that may overlap and be cut into equal segments, so that a convolution
/// over time-major frames is a product with no copy. Element k of row i is
///   data[i * row_stride + (k / segment_length) * segment_stride + k % segment_length].
/// A plain matrix has one segment; a convolution has one per kernel tap, and row_stride = stride *
/// segment_stride.
struct Rows {
  const float* data;
  int64_t row_stride;
  int64_t segments;
  int64_t segment_length;
  int64_t segment_stride;
};

/// A function of each value.
struct Activation {
  enum class Kind {
    kNone,
    kGelu,       ///< x / 2 (1 + erf(x / sqrt 2)), the exact form
    kRelu,       ///< max(x, 0)
    kLeakyRelu,  ///< x where it is positive, else slope x
    kSilu,       ///< x sigmoid(x)
    kSigmoid,    ///< 1 / (1 + e^-x)
    kTanh,
  };
  Kind kind = Kind::kNone;
  float slope = 0;  ///< of kLeakyRelu, 0 to 1
};
inline constexpr Activation kGelu = {Activation::Kind::kGelu};

/// What happens to a tile of a product before it is stored, in this order.
struct Epilogue {
  bool accumulate = false;      ///< the product is added to what the output holds
  const float* bias = nullptr;  ///< [columns, rounded up to whole panels]; null: none
  Activation activation = {};
  const float* residual = nullptr;  ///< [rows, columns], added last; must not be the output; null: none
  int64_t residual_stride = 0;
};

/// Tiles of a SameConv1d in its fast form, and how their values at its points are kept: [points][tiles][stride].
struct FastConvTiles {
  int64_t count;
  int64_t dilation;
  int64_t channels;
  int points;      ///< 6 or 7
  int64_t stride;  ///< floats from one tile to the next
  [[nodiscard]] int64_t stride_of_point() const { return count * stride; }
};

/// Keys [begin, end) of the `keys` there are.
struct KeyRange {
  int64_t begin;
  int64_t end;
  int64_t keys;
};

/// Winograd's minimal filtering F(4x4, 3x3) for a 3x3 convolution over maps with channels last (Lavin and Gray, "Fast
/// Algorithms for Convolutional Neural Networks", 2015): a tile of 4x4 outputs comes from the 6x6 inputs that it reads,
/// transformed, times weights transformed likewise, place by place: 36 products a channel instead of 144.
inline constexpr int64_t kWinogradOutputs = 4;  ///< along an axis
inline constexpr int64_t kWinogradInputs = 6;
inline constexpr int64_t kWinogradPlaces = kWinogradInputs * kWinogradInputs;

/// A matrix for each place, with the distances between the rows of one and between matrices.
struct WinogradPlanes {
  float* data;
  int64_t row_stride;
  int64_t plane_stride;
};
/// Where tiles of outputs go: the first pixel, and the distances between pixels and between rows of them.
struct WinogradTarget {
  float* data;
  int64_t pixel_stride;
  int64_t row_stride;
  int64_t rows;  ///< of each tile that are wanted, at most 4
};

/// How the right side of a product is kept: panels of [depth, panel_width] elements, zero-filled at the
/// right, where the depth is rounded up to a multiple of `depth_step`, which is 1 for a panel that is read
/// element by element.
struct PanelFormat {
  int element_bytes;
  int depth_step;
};

/// The kernels of one instruction set for one type of weights. All take and give float32, touch no memory
/// beyond the stated sizes, need no alignment, keep no state and are safe to call from any thread. Every
/// output element is computed by the same sequence of operations wherever it falls in a tile, so how a caller
/// cuts the rows or the columns changes no bit.
struct Kernels {
  const char* isa;          ///< the name that CONTENTVEC_ISA takes
  bool bfloat16;            ///< weights are kept in bfloat16
  int tile_rows;            ///< rows of A that one tile of the product takes
  int panel_width;          ///< columns of B that one panel holds
  PanelFormat weights;      ///< the panels `product` reads
  PanelFormat key_values;   ///< the panels `attention` reads
  int64_t block_bytes;      ///< of A's rows, in float32, that one pass over the panels takes, so that what a
                            ///< kernel reads of them at a time stays in L2 beside the panel
  int64_t product_scratch;  ///< bytes of scratch that one thread needs for products; may be 0
  const Kernels* float32;   ///< the same instruction set's kernels for float32 weights; may be this

  /// Writes the [depth, columns] matrix B, given as its transpose row by row (weight[column * row_stride +
  /// k], the way linear layers store it), as panels in the format `weights`; panel_bytes() of them.
  void (*pack)(const float* weight, int64_t row_stride, int64_t columns, int64_t depth, void* panels);

  /// C[rows, columns] = epilogue(A B), `panels` holding B as pack() writes it, depth = segments *
  /// segment_length. Sums run over blocks of at most 256 products, which keeps float32's rounding near that
  /// of a pairwise sum.
  void (*product)(const Rows& a, int64_t rows, const void* panels, int64_t columns, float* c,
                  int64_t c_stride, const Epilogue& epilogue, void* scratch);

  /// out[i] = activation((x[i] - mean) / sqrt(variance + eps) * scale + shift) for each row of `width`
  /// values; the sums in double. `out` may be `x`.
  void (*layer_norm)(const float* x, int64_t x_stride, int64_t rows, int64_t width, const float* scale,
                     const float* shift, float eps, Activation activation, float* out, int64_t out_stride);

  /// Some keys k [range, head_dim] of a head into the panels of the matrix k', and their values v [range,
  /// head_dim] into those of v, in the format `key_values`. What panels hold beyond the last key is filled
  /// with zeros along with it.
  void (*pack_keys)(const float* k, int64_t stride, const KeyRange& range, int64_t head_dim, void* panels);
  void (*pack_values)(const float* v, int64_t stride, const KeyRange& range, int64_t head_dim, void* panels);

  /// One head of softmax(q k') v for `rows` queries over `keys` keys, the softmax running over blocks of keys
  /// so that memory does not grow with their number. q: [rows, head_dim], already scaled; out: [rows,
  /// head_dim], may be q. `scratch`: attention_scratch() bytes.
  void (*attention)(const float* q, int64_t q_stride, int64_t rows, const void* k_panels,
                    const void* v_panels, int64_t keys, int64_t head_dim, float* out, int64_t out_stride,
                    void* scratch);

  /// out[row][c] = activation(bias[c] + sum over taps k of weight[k][c] x[row + k][c]): a depthwise convolution over
  /// time-major rows of `channels` values, without padding; weight: [taps, channels]; the taps summed in their order.
  /// `out` must not overlap `x`.
  void (*depthwise)(const float* x, int64_t x_stride, int64_t rows, int64_t channels, const float* weight,
                    int64_t taps, const float* bias, Activation activation, float* out, int64_t out_stride);

  /// out[row][i] = x[row][i] sigmoid(x[row][width + i]), i < width: a gated linear unit. `out` may be `x`.
  void (*glu)(const float* x, int64_t x_stride, int64_t rows, int64_t width, float* out, int64_t out_stride);

  /// out[row][i] = tanh(x[row][i] + bias[i]) sigmoid(x[row][width + i] + bias[width + i]), i < width: WaveNet's gated
  /// activation unit, `bias` being its condition. `out` may be `x`. van den Oord et al. 2016, arXiv:1609.03499.
  void (*gated_tanh)(const float* x, int64_t x_stride, int64_t rows, int64_t width, const float* bias,
                     float* out, int64_t out_stride);

  /// Each row of `width` scores becomes e^score over the sum of the row's, in place. `stride` has room for `width`
  /// rounded up to 16; what stands between is overwritten.
  void (*softmax)(float* x, int64_t stride, int64_t rows, int64_t width);

  /// One step of a GRU on `width` values of state, in PyTorch's order of gates: `input` and `hidden`, [3 width] each,
  /// are the gates' products with their biases.
  ///   r = sigmoid(input_r + hidden_r), z = sigmoid(input_z + hidden_z), n = tanh(input_n + r hidden_n)
  ///   state = (1 - z) n + z state
  void (*gru_step)(const float* input, const float* hidden, int64_t width, float* state);

  /// out[row][i] = activation(x[row][i]), i < width. `out` may be `x`.
  void (*activate)(const float* x, int64_t x_stride, int64_t rows, int64_t width, Activation activation,
                   float* out, int64_t out_stride);

  /// The two sides of a SameConv1d in its fast form (see there) beside its products. Tile t of `tiles`, a multiple of
  /// the dilation d, has the rows 4 d (t / d) + t % d + d i.
  /// What the tiles see of x, each value through leaky_relu(slope), at every point: v[p][t][channel], with one channel
  /// of zeros more where their number is odd. As floats or what else products read: v has room for floats.
  void (*fast_conv_input)(const float* x, int64_t x_stride, const FastConvTiles& tiles, float slope, void* v);
  /// m[rows, columns] = what the first tiles, `rows` of them, see at one point, times `panels`, which pack() wrote: of
  /// [columns, groups * channels], the channels made even. Group g is of the tile g d further on.
  void (*fast_conv_product)(const void* v, const FastConvTiles& tiles, int point, int64_t groups,
                            int64_t rows, const void* panels, int64_t columns, float* m, int64_t m_stride,
                            void* scratch);
  /// Rows y, i = 0 .. 3 of each tile, from the products m[p][t][channel] at the points, through the epilogue.
  void (*fast_conv_output)(const float* m, const FastConvTiles& tiles, const Epilogue& epilogue, float* y,
                           int64_t y_stride);

  /// Inputs of `tiles` tiles side by side, transformed, as planes [tiles, channels]. `rows`: where each of the six rows
  /// of pixels that the first tile reads begins.
  void (*winograd_input)(const float* const* rows, int64_t channels, int64_t tiles, const WinogradPlanes& to);

  /// Of a panel that pack() made of weights whose depth is [3, 3, channels], channels [first, first + count),
  /// transformed, as the planes' panels of float32: rows of panel_width. Null where products in the panels' own type
  /// are faster.
  void (*winograd_weights)(const void* panel, int64_t channels, int64_t first, int64_t count,
                           const WinogradPlanes& to);

  /// `tiles` tiles side by side from the planes [tiles, columns] of their products. The epilogue's residual begins
  /// where the target does and has its strides; its `accumulate` is not read.
  void (*winograd_output)(const WinogradPlanes& from, int64_t tiles, int64_t columns,
                          const Epilogue& epilogue, const WinogradTarget& to);

  /// The instruction that products are made of, on registers alone and as many independent sums as a tile
  /// has: the most this processor can do. Returns the floating-point operations that `iterations` took.
  double (*peak_loop)(int64_t iterations);
};

/// How much of A's depth goes through all panels at a time, so that the rows' part of it stays in cache.
inline constexpr int64_t kChunkDepth = 1024;
/// Keys per step of the running softmax.
inline constexpr int64_t kKeyBlock = 256;
/// Query tiles that go through one block of keys together, while it is in cache.
inline constexpr int64_t kQueryTiles = 4;

inline int64_t panels_of(const Kernels& kernels, int64_t columns) {
  return (columns + kernels.panel_width - 1) / kernels.panel_width;
}
/// `columns` rounded up to whole panels.
inline int64_t padded_columns(const Kernels& kernels, int64_t columns) {
  return panels_of(kernels, columns) * kernels.panel_width;
}
/// Bytes of the panels of a [depth, columns] matrix.
inline int64_t panel_bytes(const Kernels& kernels, const PanelFormat& format, int64_t columns,
                           int64_t depth) {
  const int64_t padded_depth = (depth + format.depth_step - 1) / format.depth_step * format.depth_step;
  return padded_columns(kernels, columns) * padded_depth * format.element_bytes;
}
inline int64_t attention_scratch(const Kernels& kernels, int64_t head_dim) {
  const int64_t width = padded_columns(kernels, head_dim);
  // Where rows are converted, in half as many bytes: queries and probabilities.
  const int64_t converted = kernels.product_scratch > 0 ? kKeyBlock + width : 0;
  const int64_t floats = kQueryTiles * kernels.tile_rows * (kKeyBlock + 2 * width + converted);
  return floats * static_cast<int64_t>(sizeof(float));
}

/// The kernels of one instruction set, by the type of the weights.
struct KernelTables {
  const Kernels* float32;
  const Kernels* bfloat16;
};

// One per source file in this folder; null where the compiler does not target that instruction set.
const KernelTables* scalar_kernels();
const KernelTables* avx2_kernels();
const KernelTables* avx512_kernels();
const KernelTables* avx512bf16_kernels();
const KernelTables* amx_kernels();
const KernelTables* neon_kernels();

}  // namespace contentvec::nn
