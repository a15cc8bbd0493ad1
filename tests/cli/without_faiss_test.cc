// Retrieval on the command line of a build without FAISS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(WithoutFaiss, RetrievalSaysWhatToBuildAndTheRestWorks) {
  const TemporaryFolder folder;
  write_wav(folder / "a.wav", noise(16000));
  const auto command = [&](std::vector<std::string> arguments) {
    return run(arguments, {.folder = folder.path(), .program = CONTENTVEC_WITHOUT_FAISS});
  };
  const std::string model = tiny_model().string();
  const std::string index = (data() / "retrieval" / "added.index").string();

  const Result blended = command({"extract", "a.wav", "--model", model, "--index", index});
  EXPECT_EQ(blended.code, 1);
  EXPECT_THAT(blended.err, AllOf(HasSubstr("cannot open the index"), HasSubstr("added.index"),
                                 HasSubstr("no FAISS"), HasSubstr("-DCONTENTVEC_FAISS=ON")));
  EXPECT_THAT(names_in(folder.path()), ElementsAre("a.wav"));

  EXPECT_EQ(command({"extract", "a.wav", "--model", model, "--out", "features/"}).code, 0);
  const Result built = command({"index", "features", "voice.index"});
  EXPECT_EQ(built.code, 1);
  EXPECT_THAT(built.err, AllOf(HasSubstr("cannot build an index"), HasSubstr("-DCONTENTVEC_FAISS=ON")));
  EXPECT_THAT(names_in(folder.path()), ElementsAre("a.wav", "features"));
}

}  // namespace
}  // namespace contentvec::test
