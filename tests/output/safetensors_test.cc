#include "output/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "contentvec/error.h"
#include "support.h"

namespace contentvec::output {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

NamedTensor tensor(const std::string& name, std::vector<int64_t> shape, std::vector<float> values) {
  return {name, "F32", std::move(shape), [values] { return bytes_of(values); }};
}

/// The two parts of a file, as the format's description has them: length, header, data.
struct Parsed {
  size_t header_size;
  nlohmann::ordered_json header;
  Bytes data;
};

Parsed parse(const fs::path& path) {
  const Bytes file = test::read_file(path);
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  const std::string text(reinterpret_cast<const char*>(file.data()) + 8, length);
  EXPECT_EQ(text.front(), '{');
  return {8 + length, nlohmann::ordered_json::parse(text),
          Bytes(file.begin() + 8 + static_cast<std::ptrdiff_t>(length), file.end())};
}

std::vector<float> values_of(const Parsed& file, const std::string& name) {
  const auto offsets = file.header.at(name).at("data_offsets").get<std::vector<size_t>>();
  std::vector<float> values((offsets[1] - offsets[0]) / sizeof(float));
  std::memcpy(values.data(), file.data.data() + offsets[0], values.size() * sizeof(float));
  return values;
}

TEST(WriteSafetensors, RoundTrips) {
  TemporaryFolder folder;
  const std::vector<NamedTensor> tensors = {tensor("b", {2, 3}, {1, 2, 3, 4, 5, 6}),
                                            tensor("a", {}, {7}),
                                            tensor("none", {0, 5}, {}),
                                            {"half", "F16", {3}, [] { return Bytes(6, std::byte{1}); }},
                                            tensor("last", {1}, {8})};
  write_safetensors(folder / "out.safetensors", tensors, {{"layer", "12"}, {"version", "v2"}});
  const Parsed file = parse(folder / "out.safetensors");
  EXPECT_EQ(file.header_size % 64, 0u);
  EXPECT_EQ(file.header.at("__metadata__").at("layer"), "12");
  EXPECT_EQ(file.header.at("__metadata__").at("version"), "v2");
  size_t offset = 0;
  std::vector<std::string> names;
  for (const auto& [name, entry] : file.header.items()) {
    if (name == "__metadata__") continue;
    names.push_back(name);
    EXPECT_EQ(entry.at("data_offsets")[0], offset);
    offset = entry.at("data_offsets")[1];
  }
  EXPECT_EQ(offset, file.data.size());
  EXPECT_THAT(names, testing::ElementsAre("b", "a", "none", "half", "last"));
  EXPECT_EQ(file.header.at("b").at("shape"), nlohmann::ordered_json({2, 3}));
  EXPECT_EQ(file.header.at("a").at("shape"), nlohmann::ordered_json::array());
  EXPECT_EQ(file.header.at("half").at("dtype"), "F16");
  EXPECT_EQ(values_of(file, "b"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values_of(file, "a"), (std::vector<float>{7}));
  EXPECT_EQ(values_of(file, "last"), (std::vector<float>{8}));
}

TEST(WriteSafetensors, AlignsTheDataForAnyHeader) {
  TemporaryFolder folder;
  for (size_t size = 0; size < 70; ++size) {
    write_safetensors(folder / "out", std::vector{tensor(std::string(size, 'n'), {1}, {1})});
    EXPECT_EQ(parse(folder / "out").header_size % 64, 0u) << size;
    EXPECT_EQ(fs::file_size(folder / "out") % 64, 4u) << size;
  }
  write_safetensors(folder / "out", {});
  EXPECT_EQ(fs::file_size(folder / "out"), 64u);
}

TEST(WriteSafetensors, EscapesNames) {
  TemporaryFolder folder;
  const std::string name = "a \"quoted\"\n\\ file \xC3\xA9.wav";
  write_safetensors(folder / "out", std::vector{tensor(name, {1}, {3})});
  EXPECT_EQ(values_of(parse(folder / "out"), name), std::vector<float>{3});
}

TEST(WriteSafetensors, AsksForOneTensorAtATimeAndOnce) {
  TemporaryFolder folder;
  std::vector<int> asked;
  std::vector<NamedTensor> tensors;
  tensors.reserve(3);
  for (int i = 0; i < 3; ++i) {
    tensors.push_back({std::to_string(i), "F32", {1}, [i, &asked] {
                         asked.push_back(i);
                         return Bytes(4);
                       }});
  }
  write_safetensors(folder / "out", tensors);
  EXPECT_EQ(asked, (std::vector{0, 1, 2}));
}

TEST(WriteSafetensors, SaysWhatIsWrongAndLeavesTheOldFile) {
  TemporaryFolder folder;
  test::write_file(folder / "out", std::string("old"));
  const auto error_for = [&](const std::vector<NamedTensor>& tensors) {
    return error_of([&] { write_safetensors(folder / "out", tensors); });
  };
  EXPECT_THAT(error_for({tensor("a", {1}, {1}), tensor("a", {1}, {1})}),
              AllOf(HasSubstr("out': "), HasSubstr("'a' is taken")));
  EXPECT_THAT(error_for({tensor("__metadata__", {1}, {1})}), HasSubstr("is taken"));
  EXPECT_THAT(error_for({tensor("a", {2}, {1})}),
              AllOf(HasSubstr("out': "), HasSubstr("came with 4 bytes; its type and shape need 8")));
  EXPECT_THAT(error_for({tensor("a", {-1}, {})}), HasSubstr("negative"));
  EXPECT_THAT(error_for({tensor("a", {int64_t{1} << 62, 8}, {})}), HasSubstr("64 bits"));
  EXPECT_THAT(error_for({{"a", "F99", {}, [] { return Bytes(); }}}), HasSubstr("unknown type 'F99'"));
  EXPECT_THAT(error_for({tensor("\xff", {1}, {1})}), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(
      error_for({tensor("a", {1}, {1}), {"b", "F32", {1}, []() -> Bytes { throw Error("no such audio"); }}}),
      HasSubstr("no such audio"));
  const auto left = test::read_file(folder / "out");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(left.data()), left.size()), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(WriteSafetensors, TakesManyTensors) {
  TemporaryFolder folder;
  std::vector<NamedTensor> tensors;
  tensors.reserve(20'000);
  for (int i = 0; i < 20'000; ++i)
    tensors.push_back(tensor("utterance/" + std::to_string(i), {1}, {static_cast<float>(i)}));
  write_safetensors(folder / "out", tensors);
  const Parsed file = parse(folder / "out");
  EXPECT_EQ(file.data.size(), 80'000u);
}

}  // namespace
}  // namespace contentvec::output
