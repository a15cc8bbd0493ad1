#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "contentvec/config.h"
#include "cpu/kernels/kernels.h"
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
};

/// Frames [begin, end) of one utterance, within the batch.
struct FrameRange {
  int64_t utterance;
  int64_t begin;
  int64_t end;
};

struct Batch {
  std::vector<Utterance> utterances;
  int64_t frames = 0;

  /// All frames, cut into ranges of at most `length` that do not cross utterances.
  [[nodiscard]] std::vector<FrameRange> ranges(int64_t length) const;
};

/// Buffers of one forward pass, kept between passes; rows are row_pitch(width) floats apart.
struct Workspace {
  AlignedBuffer conv_features;  ///< [frames, conv width]
  AlignedBuffer x;              ///< [frames, width]: what flows from block to block
  AlignedBuffer y;              ///< [frames, width]
  AlignedBuffer qkv;            ///< [frames, 3 width]
  AlignedBuffer key_panels;     ///< per utterance and head, see attention
  AlignedBuffer value_panels;
  AlignedBuffer hidden;                       ///< [frames, inner width]
  std::vector<AlignedBuffer> thread_scratch;  ///< one per thread
};

/// What every step of the forward pass needs to run.
struct Context {
  const Kernels& kernels;
  ThreadTeam& team;
  Workspace& workspace;
};

}  // namespace contentvec::cpu
