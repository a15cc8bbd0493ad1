#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "contentvec/config.h"

namespace contentvec::mlx {

/// Frames that `frames` are padded to: at most an eighth more, and only eight lengths in every doubling, so
/// that few graphs serve all lengths.
int64_t bucket_frames(int64_t frames);

/// Samples that utterances of up to `frames` frames are padded to: all that may belong to them, and a multiple of
/// `multiple` frames of the first convolution.
int64_t bucket_samples(const ModelConfig& config, int64_t frames, int64_t multiple);

/// Utterances that go through the model together, padded to one length.
struct Bucket {
  int64_t frames = 0;
  std::vector<size_t> members;  ///< their places in the batch
};

/// Sorts a batch, of which the frames of each utterance are given, into buckets of at most `most` padded
/// frames (or of one utterance), shortest first.
std::vector<Bucket> sort_into_buckets(std::span<const int64_t> frames, int64_t most);

}  // namespace contentvec::mlx
