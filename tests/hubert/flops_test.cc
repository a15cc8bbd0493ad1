#include <gtest/gtest.h>

#include "contentvec/performance.h"

namespace contentvec {
namespace {

/// Small enough to count by hand.
ModelInfo small() {
  ModelInfo model;
  model.config.conv_layers = {{3, 4, 2}, {5, 2, 3}};
  model.config.encoder_embed_dim = 6;
  model.config.encoder_ffn_embed_dim = 7;
  model.config.encoder_attention_heads = 2;
  model.config.encoder_layers = 1;
  model.config.conv_pos = 8;
  model.config.conv_pos_groups = 2;
  return model;
}

TEST(Flops, CountEveryProduct) {
  // 2 frames of the second convolution read (2 - 1) * 3 + 2 = 5 rows of the first.
  const int convolutions = 5 * 4 * 1 * 3 + 2 * 2 * 3 * 5;
  const int projection = 2 * 5 * 6;
  const int positions = 2 * 8 * (6 / 2) * 6;
  const int block = 4 * 2 * 6 * 6 + 2 * 2 * 2 * 6 + 2 * 2 * 6 * 7;
  EXPECT_EQ(flops(small(), 2), 2 * (convolutions + projection + positions + block));

  ModelInfo no_projection = small();
  no_projection.feature_projection = false;
  EXPECT_EQ(flops(no_projection, 2), 2 * (convolutions + positions + block));

  ModelInfo speaker = small();
  speaker.config.encoder_layers_1 = 2;
  EXPECT_EQ(flops(speaker, 2), 2 * (convolutions + projection + positions + 3 * block));
}

TEST(Flops, BaseDoes148BillionInTenSeconds) {
  const ModelInfo base;
  EXPECT_NEAR(flops(base, base.config.frames(160000)), 148e9, 0.5e9);
}

TEST(Flops, NoFramesAreNoWork) {
  EXPECT_EQ(flops(small(), 0), 0);
}

}  // namespace
}  // namespace contentvec
