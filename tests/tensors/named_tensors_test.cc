#include "tensors/named_tensors.h"

#include <gmock/gmock.h>

#include <limits>

#include "support.h"
#include "tensors/memory_tensor.h"

namespace contentvec::tensors {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NamedTensors two_tensors() {
  NamedTensors tensors;
  tensors.add("a", test::memory_tensor("file.a", {2, 2}, {1, 2, 3, 4}));
  tensors.add("b", test::memory_tensor("file.b", {3}, {5, 6, 7}));
  return tensors;
}

std::vector<std::string> compared(const NamedTensors& found, const std::vector<TensorSpec>& table) {
  return compare_with_table(found, table, [](const TensorSpec& spec) { return spec.name + " is missing"; });
}

TEST(NamedTensors, AreReadByTheirNames) {
  const NamedTensors tensors = two_tensors();
  EXPECT_THAT(tensors.read("a"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(tensors.shape("b"), ElementsAre(3));
  EXPECT_THAT(tensors.shape("c"), IsEmpty());
  EXPECT_EQ(tensors.parameters(), 7);
}

TEST(NamedTensors, ASecondOfOneNameIsNotTaken) {
  NamedTensors tensors = two_tensors();
  const checkpoint::Tensor* there = tensors.add("a", test::memory_tensor("file.other", {1}, {9}));
  ASSERT_NE(there, nullptr);
  EXPECT_EQ(there->name, "file.a");
  EXPECT_THAT(tensors.read("a"), ElementsAre(1, 2, 3, 4));
}

TEST(NamedTensors, AValueThatIsNotFiniteIsAnErrorThatSaysWhere) {
  NamedTensors tensors;
  tensors.add("a", test::memory_tensor("file.a", {3}, {0, 1, std::numeric_limits<float>::infinity()}));
  EXPECT_THAT(test::error_of([&] { static_cast<void>(tensors.read("a")); }),
              AllOf(HasSubstr("file.a"), HasSubstr("element 2")));
}

TEST(CompareWithTable, SaysAllThatIsWrongAtOnce) {
  NamedTensors found = two_tensors();
  checkpoint::Tensor counts = test::memory_tensor("file.counts", {1}, {1});
  counts.type = checkpoint::ElementType::kI32;
  found.add("counts", counts);
  EXPECT_THAT(compared(found, {{"a", {2, 2}}, {"b", {3}}, {"counts", {1}}}),
              ElementsAre("file.counts is int32, expected float32, float16, bfloat16 or float64"));
  found.erase("counts");
  EXPECT_THAT(compared(found, {{"a", {2, 2}}, {"b", {3}}}), IsEmpty());
  EXPECT_THAT(compared(found, {{"a", {4}}, {"c", {1}}}),
              ElementsAre("file.a has shape [2, 2], expected [4]", "c is missing",
                          "file.b has no place in this architecture"));
}

TEST(CompareWithTable, WhatIsOneTensorInTheFileIsMissedOnce) {
  const auto complaints = compare_with_table({}, std::vector<TensorSpec>{{"q", {1}}, {"k", {1}}},
                                             [](const TensorSpec&) { return "qkv is missing"; });
  EXPECT_THAT(complaints, ElementsAre("qkv is missing"));
}

}  // namespace
}  // namespace contentvec::tensors
