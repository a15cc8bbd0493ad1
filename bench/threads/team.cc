#include "bench/threads/pool.h"
#include "runtime/thread_team.h"

namespace contentvec::bench {
namespace {

class Team final : public Pool {
 public:
  explicit Team(int threads) : team_(threads) {}
  void run(int64_t items, const std::function<void(int64_t)>& body) override {
    team_.parallel_for(items, [&](int64_t item, int) { body(item); });
  }

 private:
  ThreadTeam team_;
};

}  // namespace

std::unique_ptr<Pool> make_team(int threads) {
  return std::make_unique<Team>(threads);
}

}  // namespace contentvec::bench
