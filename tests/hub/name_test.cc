#include "hub/name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "contentvec/hub.h"
#include "hub/settings.h"
#include "support.h"

namespace contentvec::hub {
namespace {

using testing::HasSubstr;

std::string parts(const std::string& spec) {
  const Name name = parse_name(spec);
  return name.repo + " | " + name.file + " | " + name.revision;
}

TEST(Name, Parts) {
  EXPECT_EQ(parts("org/repo"), "org/repo |  | ");
  EXPECT_EQ(parts("org/repo@v1.0"), "org/repo |  | v1.0");
  EXPECT_EQ(parts("org/repo/model.pt"), "org/repo | model.pt | ");
  EXPECT_EQ(parts("org/re.po_2/a folder/model.pt@refs/pr/3"), "org/re.po_2 | a folder/model.pt | refs/pr/3");
  EXPECT_EQ(parts("rvc-hubert-base"), "lj1995/VoiceConversionWebUI | hubert_base.pt | ");
  EXPECT_EQ(parts("contentvec@abc"), "lexandstuff/mlx-contentvec | contentvec_base.safetensors | abc");
}

TEST(Name, WhatIsNone) {
  for (const char* spec : {"",
                           "/",
                           "org",
                           "org/",
                           "/repo",
                           "./repo",
                           "../repo",
                           "~/repo",
                           "/root/model",
                           "org//file",
                           "org/repo/",
                           "org/repo/../file",
                           "org/repo/a/../../b",
                           "org/repo//file",
                           "org/repo/./file",
                           "org/..",
                           "org/re..po",
                           "org/re--po",
                           "-org/repo",
                           "org/.repo",
                           "org/repo.",
                           "org/re po",
                           "or\ng/repo",
                           "org/repo/a\\b",
                           "org/repo/a\nb",
                           "org/repo@",
                           "org/repo@..",
                           "org/repo@../x",
                           "org/repo@a//b",
                           "org/repo@/a",
                           "org/repo@a\rb",
                           "models/hubert_base.pt",
                           "models/x.safetensors",
                           "models/x.bin@main",
                           "c:/x/y",
                           "contentvec/"}) {
    EXPECT_NE(test::error_of([&] { parse_name(spec); }), "") << spec;
  }
  EXPECT_NE(test::error_of([&] { parse_name("org/repo/" + std::string(256, 'a')); }), "");
  EXPECT_NE(test::error_of([&] { parse_name("org/" + std::string(97, 'a')); }), "");
}

std::string parts_of_address(const std::string& spec) {
  const Name name = parse_spec(spec);
  return name.repo + " | " + name.file + " | " + name.revision;
}

TEST(Name, Addresses) {
  unsetenv("HF_ENDPOINT");
  const std::string hub = "https://huggingface.co/";
  EXPECT_EQ(parts_of_address("org/repo/model.pt@v1"), "org/repo | model.pt | v1");
  EXPECT_EQ(parts_of_address(hub + "org/repo"), "org/repo |  | ");
  EXPECT_EQ(parts_of_address(hub + "org/repo/"), "org/repo |  | ");
  EXPECT_EQ(parts_of_address("https://user:secret@huggingface.co/org/repo"), "org/repo |  | ");
  EXPECT_EQ(parts_of_address(hub + "org/repo/tree/v1.0"), "org/repo |  | v1.0");
  EXPECT_EQ(parts_of_address(hub + "org/repo/tree/refs%2Fpr%2F3"), "org/repo |  | refs/pr/3");
  EXPECT_EQ(parts_of_address(hub + "org/repo/blob/main/a%20folder/model.pt"),
            "org/repo | a folder/model.pt | main");
  EXPECT_EQ(parts_of_address(hub + "org/repo/blob/refs/pr/3/model.pt"), "org/repo | model.pt | refs/pr/3");
  EXPECT_EQ(parts_of_address(hub + "org/repo/resolve/main/model.pt?download=true#x"),
            "org/repo | model.pt | main");
  setenv("HF_ENDPOINT", "https://user:secret@mirror.example/hf/", 1);
  EXPECT_EQ(parts_of_address("https://mirror.example/hf/org/repo/resolve/main/model.pt"),
            "org/repo | model.pt | main");
  EXPECT_EQ(parts_of_address(hub + "org/repo"), "org/repo |  | ");
  unsetenv("HF_ENDPOINT");
}

TEST(Name, AddressesThatLeadToNoModel) {
  unsetenv("HF_ENDPOINT");
  for (const char* path :
       {"", "org", "contentvec", "datasets/org/repo", "org/repo/commits/main", "org/repo/tree",
        "org/repo/tree/main/folder", "org/repo/blob/main", "org/repo/blob/main/../x",
        "org/repo/blob/main/%2e%2e/x", "org/repo/blob/main/a%2F..%2Fx", "org/repo/blob/main/a%00",
        "org/repo/blob/main/a%", "%2e%2e/repo/blob/main/x"})
    EXPECT_NE(test::error_of([&] { parse_spec(std::string("https://huggingface.co/") + path); }), "") << path;
  for (const char* address :
       {"https://example.org/org/repo/blob/main/model.pt", "https://huggingface.co.evil.org/org/repo",
        "https://huggingface.co@evil.org/org/repo", "https://me:secret@evil.org/org/repo"}) {
    const std::string error = test::error_of([&] { resolve(address); });
    EXPECT_THAT(error, testing::AllOf(HasSubstr("not the hub"), HasSubstr("download the file"),
                                      testing::Not(HasSubstr("secret"))))
        << address;
  }
}

TEST(Name, TheTableHoldsNames) {
  const std::span<const KnownModel> known = known_models();
  for (const KnownModel& model : known) {
    check_repo(std::string(model.repo));
    if (!model.file.empty()) check_file(std::string(model.file));
    EXPECT_EQ(
        std::count_if(known.begin(), known.end(), [&](const KnownModel& m) { return m.name == model.name; }),
        1);
  }
  EXPECT_EQ(std::string(known.front().repo) + "/" + std::string(known.front().file), kDefaultModel);
}

/// Settings of an environment of these variables alone.
class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    for (const char* name :
         {"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN",
          "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",
          "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"})
      unsetenv(name);
    setenv("HOME", home_.path().c_str(), 1);
  }
  test::TemporaryFolder home_;
};

TEST_F(SettingsTest, CacheAsHuggingfaceHubLooksForIt) {
  EXPECT_EQ(settle({}).cache, home_ / ".cache/huggingface/hub");
  setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(settle({}).cache, "/xdg/huggingface/hub");
  setenv("HF_HOME", "~/hf", 1);
  EXPECT_EQ(settle({}).cache, home_ / "hf/hub");
  setenv("HUGGINGFACE_HUB_CACHE", "/older", 1);
  EXPECT_EQ(settle({}).cache, "/older");
  setenv("HF_HUB_CACHE", "/set", 1);
  EXPECT_EQ(settle({}).cache, "/set");
  EXPECT_EQ(settle({.cache_dir = "/given/"}).cache, "/given/");
}

TEST_F(SettingsTest, Token) {
  EXPECT_EQ(settle({}).token, "");
  std::filesystem::create_directories(home_ / ".cache/huggingface");
  test::write_file(home_ / ".cache/huggingface/token", std::string("hf_stored\n"));
  EXPECT_EQ(settle({}).token, "hf_stored");
  setenv("HF_TOKEN", " hf_set ", 1);
  EXPECT_EQ(settle({}).token, "hf_set");
  EXPECT_EQ(settle({.token = "hf_given"}).token, "hf_given");
  EXPECT_EQ(settle({.token = ""}).token, "");
  EXPECT_THAT(test::error_of([] { settle({.token = "a\r\nHost: b"}); }), HasSubstr("HF_TOKEN"));
  setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
  EXPECT_EQ(settle({}).token, "");
}

TEST_F(SettingsTest, EndpointOfflineAndPatience) {
  EXPECT_EQ(settle({}).endpoint, "https://huggingface.co");
  EXPECT_EQ(settle({}).offline, "");
  EXPECT_EQ(settle({}).answer_seconds, 10);
  setenv("HF_ENDPOINT", "https://mirror.example/hf/", 1);
  EXPECT_EQ(settle({}).endpoint, "https://mirror.example/hf");
  setenv("HF_HUB_OFFLINE", "True", 1);
  EXPECT_THAT(settle({}).offline, HasSubstr("HF_HUB_OFFLINE"));
  setenv("HF_HUB_OFFLINE", "0", 1);
  EXPECT_EQ(settle({}).offline, "");
  EXPECT_NE(settle({.local_files_only = true}).offline, "");
  setenv("HF_HUB_ETAG_TIMEOUT", "3", 1);
  EXPECT_EQ(settle({}).answer_seconds, 3);
  setenv("HF_HUB_ETAG_TIMEOUT", "soon", 1);
  EXPECT_THAT(test::error_of([] { settle({}); }), HasSubstr("HF_HUB_ETAG_TIMEOUT"));
  unsetenv("HF_HUB_ETAG_TIMEOUT");
  setenv("HF_ENDPOINT", "https://me:se%40cret@mirror.example/hf", 1);
  EXPECT_EQ(settle({}).endpoint, "https://mirror.example/hf");
  EXPECT_EQ(settle({}).login.user, "me");
  EXPECT_EQ(settle({}).login.password, "se@cret");
  for (const char* wrong : {"https://me:sec/ret@mirror.example", "me:secret@mirror", "ftp://me:secret@mirror",
                            "https://me:secret@mir ror"}) {
    setenv("HF_ENDPOINT", wrong, 1);
    EXPECT_THAT(test::error_of([] { settle({}); }), testing::Not(testing::ContainsRegex("sec"))) << wrong;
  }
  setenv("HF_ENDPOINT", "ftp://mirror", 1);
  EXPECT_THAT(test::error_of([] { settle({}); }), HasSubstr("HF_ENDPOINT"));
}

}  // namespace
}  // namespace contentvec::hub
