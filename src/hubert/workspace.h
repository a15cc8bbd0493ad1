#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/attention.h"
#include "nn/packed_matrix.h"
#include "nn/sequences.h"
#include "runtime/aligned_buffer.h"

namespace contentvec::hubert {

/// One waveform of a batch; its frames are Workspace::frames[its index].
struct Utterance {
  std::span<const float> waveform;
  std::span<const float> speaker_embedding;
  std::span<const float> around;     ///< whose level counts: the waveform, or what it is a part of
  std::span<const float> projected;  ///< of its first frames, where they are known
};

/// Buffers of one forward pass, kept between passes, so that a pass no larger than one before takes no
/// memory; rows are nn::row_stride(width) floats apart.
struct Workspace {
  std::vector<Utterance> utterances;
  nn::Sequences frames;

  std::vector<double> moments;                ///< of conv 0's windows, see frontend.cc
  std::vector<nn::PackedMatrix> first_convs;  ///< conv 0 with its GroupNorm folded in, per utterance
  AlignedBuffer<float> hidden;                ///< [frames, width]: what flows from block to block
  /// [frames, width]: a sum or a norm of `hidden` on the way through a block; before the blocks conv_features
  /// [frames, conv width].
  AlignedBuffer<float> sum;
  nn::SelfAttention attention;
  AlignedBuffer<float> wide;           ///< [some frames, 3 width or inner width], see encoder.cc
  AlignedBuffer<float> speaker_norms;  ///< see encoder.cc
};

}  // namespace contentvec::hubert
