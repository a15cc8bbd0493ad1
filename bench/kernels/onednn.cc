// oneDNN's side (version 2). Weights and activations are reordered beforehand to whatever layout it chooses.

#include <omp.h>

#include <dnnl.hpp>
#include <string_view>
#include <unordered_map>

#include "bench/kernels/shape.h"

namespace contentvec::bench {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
using Type = memory::data_type;

class OneDnnStep : public Step {
 public:
  OneDnnStep(const Shape& shape, const Inputs& inputs, DType dtype)
      : shape_(shape), type_(dtype == DType::kBF16 ? Type::bf16 : Type::f32) {
    switch (shape.kind) {
      case Shape::Kind::kProduct:
        prepare_product(inputs);
        break;
      case Shape::Kind::kConvolution:
      case Shape::Kind::kPositions:
        prepare_convolution(inputs);
        break;
      case Shape::Kind::kMap:
        prepare_map(inputs);
        break;
      case Shape::Kind::kAttention:
        prepare_attention(inputs);
        break;
      case Shape::Kind::kNorm:
        prepare_norm(inputs);
        break;
    }
  }

  void run() override {
    for (auto& [primitive, arguments] : calls_) primitive.execute(stream_, arguments);
    stream_.wait();
    is_read_ = false;
  }

  [[nodiscard]] float at(int64_t row, int64_t column) const override {
    if (!is_read_) reorder(out_, plain_);
    is_read_ = true;
    return static_cast<const float*>(plain_.get_data_handle())[row * shape_.out + column];
  }

 private:
  /// `desc` to be chosen by oneDNN.
  [[nodiscard]] memory::desc any(const Dims& dims) const { return {dims, type_, Tag::any}; }

  void reorder(const memory& from, const memory& to) const {
    dnnl::reorder(from, to).execute(stream_, const_cast<memory&>(from), const_cast<memory&>(to));
    stream_.wait();
  }

  /// The caller's float32 values, laid out as `layout` says, as `wanted`.
  memory filled(const std::vector<float>& values, const memory::desc& layout,
                const memory::desc& wanted) const {
    memory result(wanted, engine_);
    reorder(memory(layout, engine_, const_cast<float*>(values.data())), result);
    return result;
  }
  /// The same, in the layout it has.
  memory filled(const std::vector<float>& values, const memory::desc& layout) const {
    return filled(values, layout, layout);
  }

  /// Refuses the implementation oneDNN has for any processor: it is there to be right, not fast.
  template <typename Primitive>
  void add(const typename Primitive::primitive_desc& description, std::unordered_map<int, memory> arguments) {
    if (std::string_view(description.impl_info_str()).find("ref") != std::string_view::npos) {
      throw dnnl::error(dnnl_unimplemented, "only the reference implementation");
    }
    calls_.emplace_back(Primitive(description), std::move(arguments));
  }

  void set_output(const memory& out, const memory::desc& plain) {
    out_ = out;
    plain_ = memory(plain, engine_);
  }

  [[nodiscard]] dnnl::primitive_attr after() const {
    dnnl::post_ops operations;
    if (shape_.gelu) operations.append_eltwise(1.0F, dnnl::algorithm::eltwise_gelu_erf, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(operations);
    return attributes;
  }

  void prepare_product(const Inputs& inputs) {
    using Primitive = dnnl::inner_product_forward;
    const memory::desc bias({shape_.out}, Type::f32, Tag::a);
    const Primitive::desc description(dnnl::prop_kind::forward_inference, any({shape_.rows, shape_.in}),
                                      any({shape_.out, shape_.in}), bias, any({shape_.rows, shape_.out}));
    const Primitive::primitive_desc chosen(description, after(), engine_);
    const memory out(chosen.dst_desc(), engine_);
    set_output(out, {{shape_.rows, shape_.out}, Type::f32, Tag::ab});
    add<Primitive>(
        chosen,
        {{DNNL_ARG_SRC, filled(inputs.x, {{shape_.rows, shape_.in}, Type::f32, Tag::ab}, chosen.src_desc())},
         {DNNL_ARG_WEIGHTS,
          filled(inputs.weight, {{shape_.out, shape_.in}, Type::f32, Tag::ab}, chosen.weights_desc())},
         {DNNL_ARG_BIAS, filled(inputs.bias, bias)},
         {DNNL_ARG_DST, out}});
  }

  void prepare_convolution(const Inputs& inputs) {
    using Primitive = dnnl::convolution_forward;
    const bool grouped = shape_.kind == Shape::Kind::kPositions;
    const int64_t groups = grouped ? shape_.groups : 1;
    const int64_t left = grouped ? shape_.kernel / 2 : 0;
    const int64_t right = grouped ? shape_.kernel - 1 - left : 0;  // one less, which drops the last row
    const Dims weight_dims = grouped ? Dims{groups, shape_.out / groups, shape_.in / groups, shape_.kernel}
                                     : Dims{shape_.out, shape_.in, shape_.kernel};
    const Dims x_dims = {1, shape_.in, shape_.in_rows()};
    const Dims out_dims = {1, shape_.out, shape_.rows};
    const memory::desc bias({shape_.out}, Type::f32, Tag::a);
    const Primitive::desc description(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
                                      any(x_dims), any(weight_dims), bias, any(out_dims), {shape_.stride},
                                      {left}, {right});
    const Primitive::primitive_desc chosen(description, after(), engine_);
    const memory out(chosen.dst_desc(), engine_);
    set_output(out, {out_dims, Type::f32, Tag::acb});
    add<Primitive>(
        chosen,
        {{DNNL_ARG_SRC, filled(inputs.x, {x_dims, Type::f32, Tag::acb}, chosen.src_desc())},
         {DNNL_ARG_WEIGHTS, filled(inputs.weight, {weight_dims, Type::f32, grouped ? Tag::abdc : Tag::acb},
                                   chosen.weights_desc())},
         {DNNL_ARG_BIAS, filled(inputs.bias, bias)},
         {DNNL_ARG_DST, out}});
  }

  void prepare_map(const Inputs& inputs) {
    using Primitive = dnnl::convolution_forward;
    const int64_t height = shape_.rows / shape_.width;
    const Dims weight_dims = {shape_.out, shape_.in, 3, 3};
    const Dims x_dims = {1, shape_.in, height, shape_.width};
    const Dims out_dims = {1, shape_.out, height, shape_.width};
    const memory::desc bias({shape_.out}, Type::f32, Tag::a);
    const Primitive::desc description(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
                                      any(x_dims), any(weight_dims), bias, any(out_dims), {1, 1}, {1, 1},
                                      {1, 1});
    const Primitive::primitive_desc chosen(description, engine_);
    const memory out(chosen.dst_desc(), engine_);
    set_output(out, {out_dims, Type::f32, Tag::acdb});
    add<Primitive>(chosen,
                   {{DNNL_ARG_SRC, filled(inputs.x, {x_dims, Type::f32, Tag::acdb}, chosen.src_desc())},
                    {DNNL_ARG_WEIGHTS,
                     filled(inputs.weight, {weight_dims, Type::f32, Tag::acdb}, chosen.weights_desc())},
                    {DNNL_ARG_BIAS, filled(inputs.bias, bias)},
                    {DNNL_ARG_DST, out}});
  }

  void prepare_attention(const Inputs& inputs) {
    using Primitive = dnnl::matmul;
    const int64_t heads = shape_.groups;
    const int64_t rows = shape_.rows;
    const int64_t dim = shape_.in / heads;
    const int64_t stride = 3 * shape_.in;
    // q, k and v as views into the rows of [q, k, v]
    const auto view = [&](int64_t part) {
      const std::vector<float> values(inputs.x.begin() + part * shape_.in, inputs.x.end());
      const Dims dims = part == 1 ? Dims{heads, dim, rows} : Dims{heads, rows, dim};
      const Dims strides = part == 1 ? Dims{dim, 1, stride} : Dims{dim, stride, 1};
      return filled(values, {dims, Type::f32, strides}, {dims, type_, strides});
    };
    const memory q = view(0);
    const memory k = view(1);
    const memory v = view(2);
    const memory scores({{heads, rows, rows}, type_, Tag::abc}, engine_);
    const memory out({{heads, rows, dim}, type_, Dims{dim, shape_.in, 1}}, engine_);
    set_output(out, {{heads, rows, dim}, Type::f32, Dims{dim, shape_.in, 1}});
    const auto product = [&](const memory& a, const memory& b, const memory& c) {
      const Primitive::desc description(a.get_desc(), b.get_desc(), c.get_desc());
      add<Primitive>({description, engine_}, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    };
    product(q, k, scores);
    const dnnl::softmax_forward::desc softmax(dnnl::prop_kind::forward_inference, scores.get_desc(), 2);
    add<dnnl::softmax_forward>({softmax, engine_}, {{DNNL_ARG_SRC, scores}, {DNNL_ARG_DST, scores}});
    product(scores, v, out);
  }

  void prepare_norm(const Inputs& inputs) {
    using Primitive = dnnl::layer_normalization_forward;
    const memory::desc layout({shape_.rows, shape_.in}, type_, Tag::ab);
    const memory::desc vector({shape_.in}, Type::f32, Tag::a);
    const Primitive::desc description(
        dnnl::prop_kind::forward_inference, layout, 1e-5F,
        dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift);
    const memory out(layout, engine_);
    set_output(out, {{shape_.rows, shape_.in}, Type::f32, Tag::ab});
    add<Primitive>({description, engine_},
                   {{DNNL_ARG_SRC, filled(inputs.x, {{shape_.rows, shape_.in}, Type::f32, Tag::ab}, layout)},
                    {DNNL_ARG_SCALE, filled(inputs.weight, vector)},
                    {DNNL_ARG_SHIFT, filled(inputs.bias, vector)},
                    {DNNL_ARG_DST, out}});
  }

  Shape shape_;
  Type type_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  mutable dnnl::stream stream_{engine_};
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> calls_;
  memory out_;
  memory plain_;  ///< `out_` as float32 rows, once it was asked for
  mutable bool is_read_ = false;
};

}  // namespace

std::unique_ptr<Step> make_onednn(const Shape& shape, const Inputs& inputs, DType dtype, int threads) {
  omp_set_num_threads(threads);
  try {
    return std::make_unique<OneDnnStep>(shape, inputs, dtype);
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

}  // namespace contentvec::bench
