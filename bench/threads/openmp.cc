#include "bench/threads/pool.h"

namespace contentvec::bench {
namespace {

class OpenMp final : public Pool {
 public:
  explicit OpenMp(int threads) : threads_(threads) {}
  void run(int64_t items, const std::function<void(int64_t)>& body) override {
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
    for (int64_t item = 0; item < items; ++item) body(item);
  }

 private:
  int threads_;
};

}  // namespace

std::unique_ptr<Pool> make_openmp(int threads) {
  return std::make_unique<OpenMp>(threads);
}

}  // namespace contentvec::bench
