// A build without FAISS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "contentvec/retriever.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::HasSubstr;

TEST(AbsentTest, SaysWhatToBuild) {
  const std::string opening = error_of([] { Retriever::open(data() / "retrieval" / "added.index"); });
  EXPECT_THAT(opening, HasSubstr("added.index"));
  EXPECT_THAT(opening, HasSubstr("-DCONTENTVEC_FAISS=ON"));
  const std::vector<float> vectors(100 * 4, 1.0F);
  EXPECT_THAT(error_of([&] { Retriever::build(vectors, 4); }), HasSubstr("-DCONTENTVEC_FAISS=ON"));
}

}  // namespace
}  // namespace contentvec::test
