#include "synthesizer/voice_tensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "support.h"
#include "synthesizer/oracle_voice.h"

namespace contentvec::synthesizer {
namespace {

/// scripts/make_synthetic_checksums.py says what this is.
uint64_t checksum(const std::vector<tensors::Synthetic>& table, uint64_t seed) {
  uint64_t total = 0;
  for (const tensors::Synthetic& synthetic : table) {
    uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a
    for (const char c : synthetic.tensor.name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    const std::vector<float> values = test::read(synthetic.as_tensor("synthetic", seed));
    uint64_t sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += (i + 1) * std::bit_cast<uint32_t>(values[i]);
    total += hash * sum;
  }
  return total;
}

TEST(VoiceTensors, AreTheReferenceGeneratorsBitForBit) {
  const auto expected = test::read_json(test::data() / "voice_checksums.json");
  ASSERT_EQ(expected.size(), 16U);
  for (const auto& [key, sum] : expected.items()) {
    const size_t colon = key.find(':');
    const std::vector<tensors::Synthetic> table = voice_tensors(oracle_config(key.substr(0, colon)));
    EXPECT_EQ(std::to_string(checksum(table, std::stoull(key.substr(colon + 1)))), sum.get<std::string>())
        << key;
  }
}

TEST(VoiceTensors, TheDefaultIsVersion2At48KHz) {
  EXPECT_EQ(VoiceConfig(), oracle_config("base-v2-48k"));
}

}  // namespace
}  // namespace contentvec::synthesizer
