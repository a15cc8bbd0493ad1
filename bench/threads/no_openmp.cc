#include "bench/threads/pool.h"

std::unique_ptr<contentvec::bench::Pool> contentvec::bench::make_openmp(int /*threads*/) {
  return nullptr;
}
