#include "checkpoint/json_text.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <string>

#include "contentvec/config.h"
#include "support.h"

namespace contentvec::checkpoint {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(JsonText, IsWhatTheParserItselfMakesOfIt) {
  for (const char* text : {"{}", "[]", "null", "7", "-7", "1.5", "\"a\\u00e9\"", "true",
                           R"({"a": [1, [2, {"b": null}], []], "c": {"d": {}, "e": false}, "f": -1e-3})"}) {
    EXPECT_EQ(parse_json(text), json::parse(text)) << text;
  }
}

TEST(JsonText, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[1,", "{\"a\"}", "{\"a\": 1} x", "[1] [2]", "nul", "1e999"}) {
    EXPECT_THAT(test::error_of([&] { static_cast<void>(parse_json(text)); }), HasSubstr("malformed JSON"))
        << text;
  }
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  EXPECT_THAT(test::error_of([&] { static_cast<void>(parse_json(deep)); }), HasSubstr("64 levels"));
  EXPECT_EQ(parse_json(deep.substr(1, 128)).size(), 1U);
  EXPECT_THAT(test::error_of([] { static_cast<void>(parse_json(R"({"a": {"b": 1, "c": 2, "b": 3}})")); }),
              HasSubstr("'b' occurs twice"));
  EXPECT_EQ(parse_json(R"([{"a": 1}, {"a": 2}])").size(), 2U) << "not in the same object";
}

// In the square of the objects, this would take minutes.
TEST(JsonText, TakesTimeInProportionToTheObjects) {
  constexpr int kObjects = 200'000;
  std::string text = "{";
  for (int i = 0; i < kObjects; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{\"a\":[0]}";
  EXPECT_EQ(parse_json(text + "}").size(), size_t{kObjects});
}

// Each value takes many times the memory of its two bytes.
TEST(JsonText, HoldsABoundedNumberOfValues) {
  std::string text = "[0";
  for (int i = 1; i < (1 << 22); ++i) text += ",0";
  EXPECT_THAT(test::error_of([&] { static_cast<void>(parse_json(text + "]")); }),
              HasSubstr("more than 4194304 values"));
}

TEST(JsonText, ConfigurationFilesAreBoundedAndRegular) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::filesystem::path& path :
       {folder / "pipe", std::filesystem::path("/dev/zero"), folder.path()}) {
    EXPECT_THAT(test::error_of([&] { ModelConfig::from_json_file(path); }),
                AllOf(HasSubstr(path.string()), HasSubstr("expected a regular file")));
  }
  test::write_file(folder / "large.json", std::string("{}"));
  std::filesystem::resize_file(folder / "large.json", kLargestJson + 1);  // a hole: it takes no room
  EXPECT_THAT(test::error_of([&] { ModelConfig::from_json_file(folder / "large.json"); }),
              AllOf(HasSubstr("large.json"), HasSubstr(std::to_string(kLargestJson))));
}

}  // namespace
}  // namespace contentvec::checkpoint
