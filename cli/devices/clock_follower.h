#pragma once

#include <cstddef>
#include <cstdint>

namespace contentvec::cli {

/// Two devices' clocks differ, by up to 200 parts in a million: what waits for the output becomes less or more, until
/// there is a gap or the delay has grown. This says by how many samples a block is to be longer or shorter, so that
/// about as much waits as is wanted: none while that is right to a quarter, and at most one in 200.
class ClockFollower {
 public:
  /// Samples that are to wait when a block comes, and per second.
  ClockFollower(size_t wanted, int rate);

  /// For a block of `block` samples, when `waiting` are there before it: samples to be added, or with a minus left out.
  int64_t next(size_t waiting, size_t block);
  /// The output was waited for: it sets the pace itself, and what waits says nothing.
  void forget();

 private:
  double wanted_;
  double rate_;
  double seen_ = 0;  ///< seconds
  double mean_ = 0;  ///< of what waited, of the last seconds mostly
  double due_ = 0;   ///< samples to be added, but for whole ones
};

}  // namespace contentvec::cli
