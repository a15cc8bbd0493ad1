#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "child.h"
#include "contentvec/model.h"
#include "support.h"

// A model that was used before fork(), as Python's multiprocessing does it.

namespace contentvec::test {
namespace {

Model tiny(int threads) {
  return Model::load("synthetic:" + (oracle() / "configs/tiny.json").string(), {.threads = threads});
}

TEST(ForkTest, AChildExtractsAndDestroysWhatItsParentUsed) {
  if (kSanitized) GTEST_SKIP() << kNoThreadsBeforeFork;
  const std::vector<float> waveform(16000, 0.1F);
  for (const int threads : {1, 4, 16}) {
    std::optional<Model> model = tiny(threads);
    const Features expected = model->extract(waveform);
    EXPECT_TRUE(succeeds_in_child([&] {
      const bool same = model->extract(waveform).data == expected.data;
      model.reset();
      return same;
    })) << threads;
    EXPECT_TRUE(succeeds_in_child([&] {
      model.reset();
      return tiny(threads).extract(waveform).data == expected.data;
    })) << threads;
    EXPECT_EQ(model->extract(waveform).data, expected.data) << "the parent's goes on";
  }
}

}  // namespace
}  // namespace contentvec::test
