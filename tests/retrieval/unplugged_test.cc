// A program that was installed without its plug-in, or beside one of another version.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "contentvec/retriever.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Unplugged, SaysWhereItLooked) {
  const std::string opening = error_of([] { Retriever::open(data() / "retrieval" / "added.index"); });
  EXPECT_THAT(opening, AllOf(HasSubstr("cannot open the index"), HasSubstr("added.index"),
                             HasSubstr("retrieval/plug-in.so' (not there)"),
                             HasSubstr("lib/contentvec/plug-in.so' (not there)"),
                             HasSubstr("(of another version of contentvec)")));
  const std::vector<float> vectors(100 * 4, 1.0F);
  EXPECT_THAT(error_of([&] { Retriever::build(vectors, 4); }),
              AllOf(HasSubstr("cannot build an index"), HasSubstr("another version")));
}

TEST(Unplugged, WhatIsNoIndexIsStillSaid) {
  const TemporaryFolder folder;
  write_file(folder / "no.index", std::string("<html>"));
  EXPECT_THAT(error_of([&] { Retriever::open(folder / "no.index"); }), HasSubstr("a web page"));
}

}  // namespace
}  // namespace contentvec::test
