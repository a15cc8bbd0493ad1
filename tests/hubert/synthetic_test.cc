#include "hubert/synthetic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "golden.h"
#include "support.h"

namespace contentvec::hubert {
namespace {

uint64_t fnv1a64(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

/// scripts/make_synthetic_checksums.py says what this is.
uint64_t checksum(const checkpoint::Checkpoint& model) {
  uint64_t total = 0;
  for (const auto& [name, tensor] : model.tensors) {
    const std::vector<float> values = test::read(tensor);
    uint64_t sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += (i + 1) * std::bit_cast<uint32_t>(values[i]);
    total += fnv1a64(name) * sum;
  }
  return total;
}

TEST(Synthetic, IsTheReferenceGeneratorBitForBit) {
  const auto expected = test::read_json(test::data() / "synthetic_checksums.json");
  ASSERT_EQ(expected.size(), 12U);
  for (const auto& [key, sum] : expected.items()) {
    const std::string config = key.substr(0, key.find(':'));
    const std::string seed = key.substr(key.find(':'));
    const std::string spec = "synthetic:" + (test::oracle() / "configs" / (config + ".json")).string() + seed;
    EXPECT_EQ(std::to_string(checksum(synthetic_checkpoint(spec))), sum.get<std::string>()) << key;
  }
}

TEST(Synthetic, BaseIsTheOraclesBase) {
  const std::string by_file = "synthetic:" + (test::oracle() / "configs" / "base.json").string() + ":7";
  const checkpoint::Checkpoint base = synthetic_checkpoint("synthetic:base:7");
  const checkpoint::Checkpoint same = synthetic_checkpoint(by_file);
  ASSERT_EQ(base.tensors.size(), same.tensors.size());
  EXPECT_EQ(base.metadata, same.metadata);
}

TEST(Synthetic, TheSeedDefaultsToZeroAndMatters) {
  const std::string spec = "synthetic:" + (test::oracle() / "configs" / "tiny.json").string();
  EXPECT_EQ(checksum(synthetic_checkpoint(spec)), checksum(synthetic_checkpoint(spec + ":0")));
  EXPECT_NE(checksum(synthetic_checkpoint(spec)), checksum(synthetic_checkpoint(spec + ":1")));
}

TEST(Synthetic, IsWhatTheTorchFilesHold) {
  // the oracle's checkpoints were written by torch from the same generator
  const std::string spec = "synthetic:" + (test::oracle() / "configs" / "tiny.json").string();
  const checkpoint::Checkpoint ours = synthetic_checkpoint(spec);
  const checkpoint::Checkpoint torchs = checkpoint::open(test::oracle() / "checkpoints" / "tiny.fairseq.pt");
  for (const auto& [name, tensor] : ours.tensors) {
    ASSERT_TRUE(torchs.tensors.contains(name)) << name;
    EXPECT_EQ(test::read(tensor), test::read(torchs.tensors.at(name))) << name;
  }
}

TEST(Synthetic, RefusesWrongSpecs) {
  for (const char* spec :
       {"synthetic:", "synthetic::3", "synthetic:tiny", "synthetic:base:", "synthetic:base:-1",
        "synthetic:base:1x", "synthetic:base:99999999999999999999999"}) {
    EXPECT_THAT(test::error_of([&] { synthetic_checkpoint(spec); }), testing::HasSubstr(spec)) << spec;
  }
}

}  // namespace
}  // namespace contentvec::hubert
