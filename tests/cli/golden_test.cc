// The command line over every checkpoint of the reference data gives the reference's features.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "cli/files.h"
#include "cli/process.h"
#include "golden.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;

struct Checkpoint {
  std::string file;
  std::string config;          ///< the one of the reference data it was made from
  bool needs_config = false;   ///< 64 does not divide the width, so heads cannot be told from the shapes
  bool has_final_proj = true;  ///< mlx-contentvec's layout has none
  bool half = false;           ///< the file holds float16 roundings of the weights
  friend void PrintTo(const Checkpoint& checkpoint, std::ostream* out) { *out << checkpoint.file; }
};

const Checkpoint kCheckpoints[] = {
    {.file = "tiny.fairseq.pt", .config = "tiny"},
    {.file = "tiny.fairseq.fp16.pt", .config = "tiny", .half = true},
    {.file = "tiny.fairseq.legacy.pt", .config = "tiny"},
    {.file = "tiny.bare-state-dict.pt", .config = "tiny", .needs_config = true},
    {.file = "tiny.hf", .config = "tiny"},
    {.file = "tiny.hf-ctc-prefix.safetensors", .config = "tiny", .needs_config = true},
    {.file = "tiny.mlx.safetensors", .config = "tiny", .needs_config = true, .has_final_proj = false},
    {.file = "tiny.mlx-flat.safetensors", .config = "tiny", .needs_config = true, .has_final_proj = false},
    {.file = "tiny-large.fairseq.pt", .config = "tiny-large"},
    {.file = "tiny-large.hf", .config = "tiny-large"},
    {.file = "tiny-speaker.contentvec.pt", .config = "tiny-speaker"},
};
const std::vector<std::string> kLengths = {"400", "721", "16000"};

/// How far from the reference the features of a float16 file may be. It holds other weights: each is rounded
/// by up to 2^-11 of itself, which three blocks of unit scale turn into errors of a few thousandths; a wrong
/// tensor or layout is off by its whole scale, 1.
constexpr double kHalfTolerance = 2e-2;

class GoldenTest : public testing::TestWithParam<Checkpoint> {
 protected:
  void SetUp() override {
    for (const std::string& length : kLengths) {
      golden_[length] = read_golden(GetParam().config + "." + length);
      write_wav(folder_ / (length + ".wav"), golden_[length].waveform);
    }
  }

  /// Extracts all three waveforms in one go. The reference's waveforms are not normalised, whatever the
  /// checkpoint says of real ones.
  Result extract(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"extract", "400.wav", "721.wav", "16000.wav", "--normalize", "off"};
    arguments.insert(arguments.end(), {"--model", (oracle() / "checkpoints" / GetParam().file).string()});
    if (GetParam().needs_config) {
      arguments.insert(arguments.end(), {"--config", (oracle() / "configs" / "tiny.json").string()});
    }
    if (!golden_["400"].speaker_embedding.empty()) {
      write_npy(folder_ / "speaker.npy", "1, 256", golden_["400"].speaker_embedding);
      arguments.insert(arguments.end(), {"--speaker-embedding", "speaker.npy"});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, {.folder = folder_.path()});
  }

  void expect_close(const Array& features, const std::string& length, const std::string& stage) {
    const Golden& golden = golden_[length];
    const Reference& reference = golden.stages.at(stage);
    EXPECT_EQ(features.shape, (std::vector(reference.shape.end() - 2, reference.shape.end())));
    EXPECT_LE(max_abs_error(features.values, reference.values),
              GetParam().half ? kHalfTolerance : golden.tolerance(stage))
        << stage << " of " << length << " samples";
  }

  void expect_stage(const std::vector<std::string>& options, const std::string& stage) {
    const Result result = extract(options);
    ASSERT_EQ(result.code, 0) << result.err;
    for (const std::string& length : kLengths)
      expect_close(read_npy(folder_ / (length + ".npy")), length, stage);
  }

  [[nodiscard]] int layer_count() const { return GetParam().config == "tiny-speaker" ? 5 : 3; }

  TemporaryFolder folder_;
  std::map<std::string, Golden> golden_;
};

TEST_P(GoldenTest, OutputOfTheModel) {
  expect_stage({}, "features");
}

TEST_P(GoldenTest, Projected) {
  expect_stage({"--layer", "projected"}, "projected");
}

TEST_P(GoldenTest, EveryLayer) {
  const Result result = extract({"--layer", "all", "--format", "safetensors"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const std::string& length : kLengths) {
    const SafetensorsFile file = read_safetensors(folder_ / (length + ".safetensors"));
    ASSERT_EQ(file.tensors.size(), static_cast<size_t>(layer_count()));
    for (const auto& [name, features] : file.tensors) expect_close(features, length, name);
  }
}

TEST_P(GoldenTest, FinalProjection) {
  const std::string layer = std::to_string(layer_count());  // the reference's is of layer min(9, layers)
  if (GetParam().has_final_proj) return expect_stage({"--layer", layer, "--final-proj"}, "final_proj");
  const Result result = extract({"--layer", layer, "--final-proj"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("final_proj"), std::string::npos) << result.err;
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenTest, testing::ValuesIn(kCheckpoints), [](const auto& instance) {
  std::string name = instance.param.file;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
});

}  // namespace
}  // namespace contentvec::test
