#include <fmt/format.h>
#include <gmock/gmock.h>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"

namespace contentvec::test {
namespace {

using ::testing::ElementsAre;

std::string one(const std::string& fields, size_t data_bytes = 16) {
  return safetensors(fmt::format(R"({{"w":{{{}}}}})", fields), std::string(data_bytes, '\0'));
}

TEST(Safetensors, ReadsViewsAndMetadata) {
  const auto checkpoint = open_bytes(safetensors(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2],"data_offsets":[1,5]},)"
      R"("n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"s":{"dtype":"F16","shape":[],"data_offsets":[5,7]},)"
      R"("z":{"dtype":"F32","shape":[0,3],"data_offsets":[7,7]},"x":{"dtype":"F6","shape":[3],"data_offsets":)"
      R"([7,9]}}   )",
      std::string("\x07") + little(0x3f80, 2) + little(0xc000, 2) + little(0x3c00, 2) + "??"));
  EXPECT_EQ(checkpoint.metadata.at("format"), "pt");
  EXPECT_THAT(read(checkpoint.tensors.at("b")), ElementsAre(1, -2)) << "unaligned";
  EXPECT_THAT(read(checkpoint.tensors.at("s")), ElementsAre(1));
  EXPECT_THAT(read(checkpoint.tensors.at("z")), ElementsAre());
  EXPECT_EQ(checkpoint.tensors.at("x").type, checkpoint::ElementType::kOther);
  EXPECT_EQ(checkpoint.tensors.at("n").type, checkpoint::ElementType::kU8);
}

TEST(Safetensors, TensorsOutliveTheCheckpoint) {
  checkpoint::Tensor tensor;
  tensor = open_bytes(good_safetensors()).tensors.at("w");
  EXPECT_THAT(read(tensor), ElementsAre(1, 2, 3, 4));
}

std::vector<Hostile> hostile_files() {
  const std::string good = good_safetensors();
  const std::string f32 = R"("dtype":"F32",)";
  const std::string all = R"("data_offsets":[0,16])";
  return {
      {"LengthOnly", good.substr(0, 8), "found 8 bytes that begin with"},
      {"CutInHeader", good.substr(0, 40), "the header claims"},
      {"CutInData", good.substr(0, good.size() - 1), "outside the 23 bytes of data"},
      {"DataTooLong", good + "x", "end at byte 24 of 25"},
      {"Length2To63", little(uint64_t{1} << 63, 8) + good.substr(8),
       "the header claims 9223372036854775808 bytes"},
      {"Length2To64Minus1", little(~uint64_t{0}, 8) + good.substr(8), "claims 18446744073709551615 bytes, "},
      {"LengthIntoData", little(good.size() - 8, 8) + good.substr(8), "malformed JSON"},
      {"LengthZero", little(0, 8) + "{}", "does not begin with"},
      {"NotJson", safetensors("{garbage}", ""), "malformed JSON"},
      {"JsonWithTail", safetensors("{} {}", ""), "malformed JSON"},
      {"NotUtf8", safetensors("{\"\xff\":1}", ""), "malformed JSON"},
      {"HugeNumber", one(f32 + all + R"(,"shape":[1e999])"), "malformed JSON"},
      {"DeepNesting", safetensors(R"({"w":)" + repeat("[", 1'000'000), ""), "more than 64 levels"},
      {"DeepObjects", safetensors(repeat("{\"w\":", 100'000), ""), "more than 64 levels"},
      {"DuplicateTensor",
       safetensors(R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
                   R"("w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})",
                   std::string(16, 'x')),
       "'w' occurs twice"},
      {"DuplicateField", one(f32 + f32 + all + R"(,"shape":[4])"), "'dtype' occurs twice"},
      {"EntryIsNoObject", safetensors(R"({"w":[1,2]})", ""), "not described by an object"},
      {"DtypeMissing", one(all + R"(,"shape":[4])"), "no proper \"dtype\""},
      {"DtypeIsNumber", one(all + R"(,"shape":[4],"dtype":5)"), "no proper \"dtype\""},
      {"ShapeMissing", one(f32 + all), "no proper \"shape\""},
      {"ShapeIsText", one(f32 + all + R"(,"shape":"4")"), "no proper \"shape\""},
      {"ShapeNegative", one(f32 + all + R"(,"shape":[-4])"), "not made of sizes"},
      {"ShapeFraction", one(f32 + all + R"(,"shape":[4.0])"), "not made of sizes"},
      {"ShapeBeyondInt64", one(f32 + all + R"(,"shape":[9223372036854775808])"), "not made of sizes"},
      {"ShapeWraps", one(f32 + all + R"(,"shape":[4611686018427387904,4])"), "impossible shape"},
      {"BytesWrap", one(f32 + all + R"(,"shape":[4611686018427387905])"), "impossible shape"},
      {"ShapeTooSmall", one(f32 + all + R"(,"shape":[3])"), "takes 12 bytes, but its offsets span 16"},
      {"DtypeTooLarge", one(R"("dtype":"F64",)" + all + R"(,"shape":[4])"), "takes 32 bytes"},
      {"UnknownToWeightsWrongSize", one(R"("dtype":"U32",)" + all + R"(,"shape":[5])"), "takes 20 bytes"},
      {"TooManyDimensions", one(f32 + all + R"(,"shape":[4)" + repeat(",1", 64) + "]"), "65 dimensions"},
      {"OffsetsReversed", one(f32 + R"("shape":[4],"data_offsets":[16,0])"), "lies at [16, 0)"},
      {"OffsetsOutside", one(f32 + R"("shape":[4],"data_offsets":[8,24])"), "outside the 16 bytes"},
      {"OffsetsHuge", one(f32 + R"("shape":[4],"data_offsets":[18446744073709551600,18446744073709551615])"),
       "outside the 16 bytes"},
      {"OffsetsThree", one(f32 + R"("shape":[4],"data_offsets":[0,16,16])"), "not two offsets"},
      {"OffsetsNegative", one(f32 + R"("shape":[4],"data_offsets":[-16,0])"), "not two offsets"},
      {"Overlap",
       safetensors(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                   R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                   "1234"),
       "overlaps another one"},
      {"Hole",
       safetensors(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                   R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                   "1234"),
       "leaves a hole"},
      {"MetadataNoObject", safetensors(R"({"__metadata__":[]})", ""), "__metadata__ is not an object"},
      {"MetadataNoText", safetensors(R"({"__metadata__":{"a":1}})", ""), "'a' is not a string"},
      {"LongName", safetensors(std::string(R"({")").append(500'000, 'n') + R"(":1})", ""),
       "not described by an object"},
  };
}

class HostileSafetensors : public ::testing::TestWithParam<Hostile> {};
TEST_P(HostileSafetensors, IsRefused) {
  expect_refused(GetParam());
}
INSTANTIATE_TEST_SUITE_P(, HostileSafetensors, ::testing::ValuesIn(hostile_files()), hostile_name);

}  // namespace
}  // namespace contentvec::test
