#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <bit>
#include <numeric>
#include <string>
#include <vector>

#include "contentvec/feature_file.h"
#include "output/safetensors.h"
#include "support.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<float> values_from(float first, size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

output::NamedTensor tensor_of(const std::string& name, const std::string& dtype,
                              const std::vector<int64_t>& shape) {
  size_t bytes = dtype == "F32" ? 4 : 2;
  for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
  return {name, dtype, shape, [bytes] { return std::vector<std::byte>(bytes); }};
}

/// What both functions say of a safetensors file of these tensors.
std::string error_for(const std::vector<output::NamedTensor>& tensors) {
  const TemporaryFolder folder;
  output::write_safetensors(folder / "x", tensors);
  const std::string inspecting = error_of([&] { inspect_features(folder / "x"); });
  EXPECT_EQ(error_of([&] { read_features(folder / "x"); }), inspecting);
  EXPECT_THAT(inspecting, HasSubstr((folder / "x").string()));
  return inspecting;
}

TEST(ReadFeatures, GivesWhatWasWritten) {
  const TemporaryFolder folder;
  const Features features{2, 3, values_from(1, 6)};
  const std::map<std::string, std::string> metadata = {{"hop", "320"}, {"layer", "9"}};
  for (const char* name : {"a.npy", "a.safetensors"}) {
    write_features(folder / name, features, metadata);
    const FeatureFileInfo info = inspect_features(folder / name);
    const bool npy = info.format == FeatureFormat::kNpy;
    EXPECT_EQ(npy, std::string(name) == "a.npy");
    EXPECT_EQ(info.dtype, npy ? "<f4" : "float32");
    EXPECT_FALSE(info.fortran_order);
    EXPECT_THAT(info.shape, ElementsAre(2, 3));
    EXPECT_EQ(info.layers, 0);
    EXPECT_EQ(info.frames, 2);
    EXPECT_EQ(info.dim, 3);
    EXPECT_EQ(info.metadata, npy ? decltype(metadata){} : metadata);
    const Features read = read_features(folder / name);
    EXPECT_EQ(read.frames, 2);
    EXPECT_EQ(read.dim, 3);
    EXPECT_EQ(read.data, features.data);
    EXPECT_THAT(error_of([&] { read_features(folder / name, 1); }), HasSubstr("it holds one array"));
  }
}

TEST(ReadFeatures, GivesTheLayerAskedFor) {
  const TemporaryFolder folder;
  constexpr int64_t kLayers = 11;  // by name, layer_10 comes before layer_2
  for (const char* name : {"a.npy", "a.safetensors"}) {
    FeatureWriter file(folder / name, 2, 3, {.layers = kLayers});
    for (int64_t layer = 1; layer <= kLayers; ++layer)
      file.write(0, values_from(100.0F * static_cast<float>(layer), 6), layer);
    file.commit();
    const FeatureFileInfo info = inspect_features(folder / name);
    EXPECT_THAT(info.shape, ElementsAre(kLayers, 2, 3));
    EXPECT_EQ(info.layers, kLayers);
    EXPECT_EQ(info.frames, 2);
    EXPECT_EQ(info.dim, 3);
    for (int64_t layer = 1; layer <= kLayers; ++layer) {
      const Features read = read_features(folder / name, layer);
      EXPECT_EQ(read.frames, 2);
      EXPECT_EQ(read.dim, 3);
      EXPECT_EQ(read.data, values_from(100.0F * static_cast<float>(layer), 6));
    }
    EXPECT_THAT(error_of([&] { read_features(folder / name); }), HasSubstr("it holds 11 layers; say which"));
    for (const int64_t layer : {-1, 0, 12})
      EXPECT_THAT(error_of([&] { read_features(folder / name, layer); }), HasSubstr("it holds 11"));
  }
}

/// A vector is one frame, and of other shapes there are no features.
TEST(ReadFeatures, OtherShapesOfNpy) {
  const TemporaryFolder folder;
  test::write_npy(folder / "vector.npy", {3}, values_from(1, 3));
  EXPECT_EQ(inspect_features(folder / "vector.npy").frames, 1);
  EXPECT_EQ(read_features(folder / "vector.npy").dim, 3);
  EXPECT_THAT(read_features(folder / "vector.npy").data, ElementsAre(1, 2, 3));
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {1, 2, 1, 1}}) {
    test::write_npy(folder / "x.npy", shape, values_from(0, shape.empty() ? 1 : 2));
    const FeatureFileInfo info = inspect_features(folder / "x.npy");
    EXPECT_EQ(info.shape, shape);
    EXPECT_THAT((std::vector{info.layers, info.frames, info.dim}), ElementsAre(0, 0, 0));
    EXPECT_THAT(error_of([&] { read_features(folder / "x.npy"); }),
                AllOf(HasSubstr("x.npy"), HasSubstr("expected [frames, dim]")));
  }
}

TEST(ReadFeatures, SafetensorsThatAreNotFeatures) {
  EXPECT_THAT(error_for({tensor_of("weight", "F32", {2, 3})}), HasSubstr("it has no features"));
  EXPECT_THAT(error_for({tensor_of("features", "F32", {6})}), HasSubstr("features has the shape [6]"));
  EXPECT_THAT(error_for({tensor_of("layer_1", "F32", {2, 3}), tensor_of("layer_2", "F32", {3, 3})}),
              HasSubstr("layer_2 is float32 [3, 3], and layer_1 float32 [2, 3]"));
  EXPECT_THAT(error_for({tensor_of("layer_1", "F32", {2, 3}), tensor_of("layer_2", "F16", {2, 3})}),
              HasSubstr("layer_2 is float16"));
}

TEST(ReadFeatures, TypesOfSafetensors) {
  const TemporaryFolder folder;
  const std::vector<uint16_t> halves = {0x3c00, 0xc000};  // 1, -2
  const auto bytes = std::as_bytes(std::span(halves));
  const output::NamedTensor tensor = {
      "features", "F16", {1, 2}, [&] { return std::vector<std::byte>(bytes.begin(), bytes.end()); }};
  output::write_safetensors(folder / "x", std::span(&tensor, 1));
  EXPECT_EQ(inspect_features(folder / "x").dtype, "float16");
  EXPECT_THAT(read_features(folder / "x").data, ElementsAre(1, -2));
  const output::NamedTensor integers = tensor_of("features", "I16", {1, 2});
  output::write_safetensors(folder / "x", std::span(&integers, 1));
  EXPECT_EQ(inspect_features(folder / "x").dtype, "int16");
  EXPECT_THAT(error_of([&] { read_features(folder / "x"); }), HasSubstr("found int16"));
}

/// Content comes first; a file that is neither is taken for what its name says.
TEST(InspectFeatures, KnowsAFileByItsContentAndThenByItsName) {
  const TemporaryFolder folder;
  const Features features{2, 3, values_from(1, 6)};
  write_features(folder / "a.npy", features);
  fs::rename(folder / "a.npy", folder / "x.safetensors");
  EXPECT_EQ(inspect_features(folder / "x.safetensors").format, FeatureFormat::kNpy);
  write_features(folder / "a.safetensors", features);
  fs::rename(folder / "a.safetensors", folder / "x.npy");
  EXPECT_EQ(inspect_features(folder / "x.npy").format, FeatureFormat::kSafetensors);
  EXPECT_THAT(error_of([&] { inspect_features(folder / "x.npy", FeatureFormat::kNpy); }),
              HasSubstr("not a .npy file"));
  EXPECT_THAT(error_of([&] { inspect_features(folder / "x.safetensors", FeatureFormat::kSafetensors); }),
              HasSubstr("safetensors:"));
  for (const std::string bytes : {"", "old", "nothing of that kind"}) {
    test::write_file(folder / "x.npy", bytes);
    test::write_file(folder / "x.safetensors", bytes);
    EXPECT_THAT(error_of([&] { inspect_features(folder / "x.npy"); }),
                AllOf(HasSubstr("x.npy"), HasSubstr("not a .npy file")));
    EXPECT_THAT(error_of([&] { inspect_features(folder / "x.safetensors"); }),
                AllOf(HasSubstr("x.safetensors"), HasSubstr("safetensors:")));
  }
}

TEST(InspectFeatures, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe.npy").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder / "pipe.safetensors").c_str(), 0600), 0);
  for (const char* name : {"none.npy", "none.safetensors", "pipe.npy", "pipe.safetensors"}) {
    EXPECT_THAT(error_of([&] { inspect_features(folder / name); }), HasSubstr(name));
    EXPECT_THAT(error_of([&] { read_features(folder / name); }), HasSubstr(name));
  }
  EXPECT_THAT(error_of([&] { inspect_features(folder.path()); }), HasSubstr("it is a folder"));
  EXPECT_THAT(error_of([&] { inspect_features(std::string("a\0b", 3)); }), HasSubstr("NUL byte"));
}

}  // namespace
}  // namespace contentvec
