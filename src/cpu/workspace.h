#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "contentvec/config.h"
#include "cpu/kernels/kernels.h"
#include "cpu/packed_matrix.h"
#include "runtime/aligned_buffer.h"
#include "runtime/thread_team.h"

namespace contentvec::cpu {

/// One utterance's place in a batch. A batch is ragged: the frames of all utterances stand one after the
/// other, with no padding between them.
struct Utterance {
  std::span<const float> waveform;
  std::span<const float> speaker_embedding;
  int64_t first_frame = 0;
  int64_t frames = 0;
  int64_t first_key = 0;    ///< of its heads' panels of keys, in bytes
  int64_t first_value = 0;  ///< likewise of values
};

/// Frames [begin, end) of one utterance, within the batch.
struct FrameRange {
  int64_t utterance;
  int64_t begin;
  int64_t end;
};

class Batch {
 public:
  std::vector<Utterance> utterances;
  int64_t frames = 0;

  /// All frames, cut into ranges of at most `length` that do not cross utterances. Valid until the next call.
  std::span<const FrameRange> ranges(int64_t length);

 private:
  std::vector<FrameRange> ranges_;
};

/// Counts the parts of each block of rows that are yet to be done, so that whoever does a block's last part
/// can go on with the whole rows while they are in cache.
class Countdown {
 public:
  void start(int64_t blocks, int parts);
  /// Whether this was the block's last part; what the others wrote is then visible.
  bool done(int64_t block) {
    return left_[static_cast<size_t>(block)].fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 private:
  std::unique_ptr<std::atomic<int>[]> left_;
  int64_t capacity_ = 0;
};

/// What one thread works in.
struct ThreadScratch {
  AlignedBuffer<float> stage;        ///< of the step that runs
  AlignedBuffer<std::byte> product;  ///< Kernels::product_scratch
};

/// Buffers of one forward pass, kept between passes, so that a pass no larger than one before takes no
/// memory; rows are row_pitch(width) floats apart.
struct Workspace {
  Batch batch;
  std::vector<double> moments;            ///< of conv 0's windows, see frontend.cc
  std::vector<PackedMatrix> first_convs;  ///< conv 0 with its GroupNorm folded in, per utterance
  AlignedBuffer<float> x;                 ///< [frames, width]: what flows from block to block
  AlignedBuffer<float> y;                 ///< [frames, width]
  AlignedBuffer<float> q;         ///< [frames, width]; before the blocks conv_features [frames, conv width]
  AlignedBuffer<std::byte> keys;  ///< panels, by utterance and head
  AlignedBuffer<std::byte> values;
  AlignedBuffer<float> wide;           ///< [some frames, 3 width or inner width], see encoder.cc
  AlignedBuffer<float> speaker_norms;  ///< see encoder.cc
  Countdown countdown;
  std::vector<ThreadScratch> threads;  ///< one per thread
};

/// What every step of the forward pass needs to run.
struct Context {
  const Kernels& kernels;
  ThreadTeam& team;
  Workspace& workspace;

  [[nodiscard]] Batch& batch() const { return workspace.batch; }
  [[nodiscard]] float* stage_scratch(int thread) const {
    return workspace.threads[static_cast<size_t>(thread)].stage.data();
  }
  [[nodiscard]] std::byte* product_scratch(int thread) const {
    return workspace.threads[static_cast<size_t>(thread)].product.data();
  }
  /// Gives every thread that much scratch for the step that comes.
  void reserve_stage_scratch(int64_t floats) const {
    for (ThreadScratch& thread : workspace.threads) thread.stage.reserve(floats);
  }
};

}  // namespace contentvec::cpu
