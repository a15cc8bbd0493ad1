#include <gmock/gmock.h>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"

namespace contentvec::test {
namespace {

using ::testing::ElementsAre;
using std::string_literals::operator""s;

const std::string kFour = floats({1, 2, 3, 4});
const std::string kMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"s;

std::string one(const std::string& tensor_opcodes) {
  return torch_legacy(named({{"w", tensor_opcodes}}), {{"0", kFour}});
}

std::string with_view(const std::string& view, const std::vector<int64_t>& shape) {
  return one(tensor(storage("FloatStorage", "0", 4, {view}), 0, shape, {1}));
}

std::string view(int64_t offset, int64_t count) {
  return tuple({text("v"), integer(offset), integer(count)});
}

TEST(TorchLegacy, Reads) {
  for (const std::string& trailing : {""s, "torch does not look at what follows"s}) {
    const auto checkpoint = open_bytes(good_legacy() + trailing);
    EXPECT_EQ(checkpoint.container, "torch legacy");
    EXPECT_THAT(read(checkpoint.tensors.at("w")), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(read(checkpoint.tensors.at("b")), ElementsAre(5, 6));
  }
}

TEST(TorchLegacy, StorageViewsAreParts) {
  EXPECT_THAT(read(open_bytes(with_view(view(1, 3), {3})).tensors.at("w")), ElementsAre(2, 3, 4));
  EXPECT_THAT(read(open_bytes(with_view(view(4, 0), {0})).tensors.at("w")), ElementsAre());
}

TEST(TorchLegacy, TensorsOutliveTheCheckpoint) {
  const checkpoint::Tensor tensor = open_bytes(good_legacy()).tensors.at("w");
  EXPECT_THAT(read(tensor), ElementsAre(1, 2, 3, 4));
}

/// Protocol 0, as Python 2 would have written it: everything is text.
TEST(TorchLegacy, ReadsTextualPickles) {
  const auto checkpoint = open_bytes(
      "L119547037146038801333356L\n.I1001\n.(dS'little_endian'\nI01\ns." +
      std::string(
          "(dS'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\n"
          "NtQI0\n(I2\nL2L\nt(I2\nI1\ntI00\nccollections\nOrderedDict\n((l(lS'hook'\naF0.5\naatRtRs.") +
      "(lS'0'\na." + little(4, 8) + kFour);
  EXPECT_THAT(read(checkpoint.tensors.at("w")), ElementsAre(1, 2, 3, 4));
}

std::vector<Hostile> hostile_files() {
  const std::string good = good_legacy();
  const std::string object = good_object("N");
  const std::string head = legacy_head(object, {"0", "1"});
  const std::string facts = pickle(named({{"little_endian", "\x88"}}));
  const std::string plain = tensor(storage("FloatStorage", "0", 4, {"N"}), 0, {4}, {1});
  const std::string two_types =
      named({{"w", plain}, {"v", tensor(storage("HalfStorage", "0", 4, {"N"}), 0, {4}, {1})}});
  return {
      {"MagicOnly", pickle(kMagic), "protocol version: pickle, opcode at byte 0"},
      {"MagicCut", pickle(kMagic).substr(0, 13), "a Python pickle that torch.save did not write"},
      {"OtherPickle", pickle(dict({})), "a Python pickle that torch.save did not write"},
      {"VersionOther", pickle(kMagic) + pickle(integer(1000)), "expected version 1001"},
      {"VersionIsText", pickle(kMagic) + pickle(text("1001")), "expected version 1001"},
      {"FactsMissing", pickle(kMagic) + pickle(integer(1001)), "facts about the machine: pickle"},
      {"FactsEmpty", pickle(kMagic) + pickle(integer(1001)) + pickle("}"), "found none"},
      {"BigEndian", pickle(kMagic) + pickle(integer(1001)) + pickle(named({{"little_endian", "\x89"}})),
       "found big-endian ones"},
      {"ObjectMissing", pickle(kMagic) + pickle(integer(1001)) + facts, "the saved object: pickle"},
      {"KeysMissing", pickle(kMagic) + pickle(integer(1001)) + facts + pickle(object),
       "storage keys: pickle"},
      {"KeysNoList", pickle(kMagic) + pickle(integer(1001)) + facts + pickle(object) + pickle("}"),
       "expected a list of storage keys"},
      {"KeyIsNumber",
       pickle(kMagic) + pickle(integer(1001)) + facts + pickle(object) + pickle(list({integer(0)})),
       "a storage key is not a text"},
      {"KeyUnknown", torch_legacy(object, {{"7", kFour}}), "nothing describes the storage '7'"},
      {"KeyTwice", torch_legacy(object, {{"0", kFour}, {"0", kFour}}), "'0' occurs twice"},
      {"StorageMissing", torch_legacy(object, {{"0", kFour}}), "expected the storage '1', which is missing"},
      {"DataMissing", head, "takes 8 more bytes, 0 are left"},
      {"DataCutInCount", head + "1234", "takes 8 more bytes, 4 are left"},
      {"DataCut", good.substr(0, good.size() - 1), "takes 8 more bytes, 7 are left"},
      {"CountLies", head + little(5, 8) + kFour, "has 5 elements, expected 4"},
      {"CountNegative", head + little(~uint64_t{0}, 8) + kFour, "has -1 elements, expected 4"},
      {"CountHuge",
       torch_legacy(
           named({{"w", tensor(storage("FloatStorage", "0", int64_t{1} << 62, {"N"}), 0, {4}, {1})}}),
           {{"0", kFour}}),
       "has 4 elements, expected 4611686018427387904"},
      {"CountHugeTwice",
       legacy_head(named({{"w", tensor(storage("FloatStorage", "0", int64_t{1} << 62, {"N"}), 0, {4}, {1})}}),
                   {"0"}) +
           little(uint64_t{1} << 62, 8),
       "claims 4611686018427387904 elements"},
      {"TypeUnknown", one(tensor(storage("NoStorage", "0", 4, {"N"}), 0, {4}, {1})),
       "of class 'NoStorage', which is not known"},
      {"TypesDiffer", torch_legacy(two_types, {{"0", kFour}}), "described in two ways"},
      {"ViewOutside", with_view(view(2, 3), {3}), "leaves storage '0' of 4"},
      {"ViewWraps", with_view(view(INT64_MAX, INT64_MAX), {3}), "leaves storage '0' of 4"},
      {"ViewSumWraps", with_view(view(1, INT64_MAX), {3}), "leaves storage '0' of 4"},
      {"ViewNegative", with_view(view(-1, 3), {3}), "not a size"},
      {"ViewIsText", with_view(text("x"), {3}), "is not a tuple"},
      {"ViewTooShort", with_view(tuple({text("x")}), {3}), "has 1 parts"},
      {"TensorLeavesView", with_view(view(2, 2), {3}), "does not lie inside"},
  };
}

class HostileLegacy : public ::testing::TestWithParam<Hostile> {};
TEST_P(HostileLegacy, IsRefused) {
  expect_refused(GetParam());
}
INSTANTIATE_TEST_SUITE_P(, HostileLegacy, ::testing::ValuesIn(hostile_files()), hostile_name);

}  // namespace
}  // namespace contentvec::test
