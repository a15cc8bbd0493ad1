#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "bench/threads/pool.h"

namespace contentvec::bench {
namespace {

class Tbb final : public Pool {
 public:
  explicit Tbb(int threads) : arena_(threads) {}
  void run(int64_t items, const std::function<void(int64_t)>& body) override {
    arena_.execute([&] { tbb::parallel_for(int64_t{0}, items, body, tbb::simple_partitioner()); });
  }

 private:
  tbb::task_arena arena_;
};

}  // namespace

std::unique_ptr<Pool> make_tbb(int threads) {
  return std::make_unique<Tbb>(threads);
}

}  // namespace contentvec::bench
