#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace contentvec::bench {

/// A way to run parallel loops: the library's own team, OpenMP, or oneTBB.
class Pool {
 public:
  virtual ~Pool() = default;
  /// Calls body(item) for every item in [0, items), each once; returns when all are done. Items are handed
  /// out one by one, as the threads become free.
  virtual void run(int64_t items, const std::function<void(int64_t)>& body) = 0;
};

// Null where this build has none.
std::unique_ptr<Pool> make_team(int threads);
std::unique_ptr<Pool> make_openmp(int threads);
std::unique_ptr<Pool> make_tbb(int threads);

}  // namespace contentvec::bench
