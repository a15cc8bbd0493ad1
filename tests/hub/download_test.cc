// What a download does when all goes well: the protocol, the cache, the token.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "child.h"
#include "contentvec/hub.h"
#include "hub/hub_server.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kSha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string long_text(size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + " ";
  text.resize(size);
  return text;
}

TEST(Download, LaysTheCacheOutAsHuggingfaceHubDoes) {
  HubServer hub;
  hub.publish(kRepo, "sub/model.pt", "abc");
  hub.publish(kRepo, "sub/config.json", "hello\n");
  const ResolvedModel model = download(kRepo, "sub/model.pt");
  const fs::path folder = hub.cached(kRepo);
  EXPECT_EQ(model.path, folder / "snapshots" / kCommit / "sub/model.pt");
  EXPECT_THAT(model.warnings, IsEmpty());
  EXPECT_EQ(text_of(model.path), "abc");
  EXPECT_EQ(fs::read_symlink(model.path), "../../../blobs/" + kSha256OfAbc);
  EXPECT_EQ(fs::read_symlink(model.path.parent_path() / "config.json"),
            "../../../blobs/ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(text_of(folder / "refs/main"), kCommit);
  EXPECT_TRUE(fs::exists(folder / ".no_exist" / kCommit / "sub/preprocessor_config.json"));
  EXPECT_TRUE(fs::exists(hub.cache() / ".locks/models--org--repo" / (kSha256OfAbc + ".lock")));
  size_t blobs = 0;
  for ([[maybe_unused]] const auto& blob : fs::directory_iterator(folder / "blobs")) ++blobs;
  EXPECT_EQ(blobs, 2U);
}

TEST(Download, AsksOnlyForTheCommitOnceAllIsThere) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  download(kRepo, "model.pt");
  const size_t before = hub.requests().size();
  download(kRepo, "model.pt");
  EXPECT_THAT(hub.requests(), SizeIs(before + 1));  // HEAD
  EXPECT_EQ(hub.requests().back()["method"], "HEAD");
  download(kRepo, "model.pt", {.revision = kCommit});
  EXPECT_THAT(hub.requests(), SizeIs(before + 1));
}

TEST(Download, TakesWhatABranchBecame) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  download(kRepo, "model.pt");
  hub.publish(kRepo, "model.pt", "abcd", kNextCommit);
  const ResolvedModel next = download(kRepo, "model.pt");
  EXPECT_EQ(text_of(next.path), "abcd");
  EXPECT_EQ(text_of(hub.cached(kRepo) / "refs/main"), kNextCommit);
  EXPECT_EQ(text_of(download(kRepo, "model.pt", {.revision = kCommit}).path), "abc")
      << "the older one is kept";
}

TEST(Download, ABlobThatIsThereIsNotFetchedAgain) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  download(kRepo, "model.pt");
  hub.publish(kRepo, "model.pt", "abc", kNextCommit);
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), "abc");
  EXPECT_EQ(hub.count("GET", "cdn"), 1);
}

TEST(Download, Revisions) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  EXPECT_EQ(text_of(resolve("org/repo/model.pt@feature/one").path), "abc");
  EXPECT_EQ(text_of(hub.cached(kRepo) / "refs/feature/one"), kCommit);
  const std::string error = error_of([] { resolve("org/repo/model.pt@v2"); });
  EXPECT_THAT(error, HasSubstr("v2"));
  EXPECT_THAT(error, HasSubstr("no revision"));
  EXPECT_THAT(error_of([] { resolve("org/repo/model.pt@a", {.revision = "b"}); }),
              HasSubstr("two revisions"));
}

TEST(Download, GoesOnWhereItStopped) {
  HubServer hub;
  const std::string content = long_text(300000);
  hub.publish(kRepo, "model.pt", content);
  hub.set_faults({{{"on", "GET"}, {"at", "cdn"}, {"cut", 100000}, {"times", 1}}});
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), content);
  ASSERT_EQ(hub.count("GET", "cdn"), 2);
  for (const nlohmann::json& request : hub.requests()) {
    if (request["server"] == "cdn" && !request["range"].is_null()) {
      EXPECT_EQ(request["range"], "bytes=100000-");
    }
  }
}

TEST(Download, GoesOnWithWhatAnEarlierRunLeft) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  fs::create_directories(hub.cached(kRepo) / "blobs");
  write_file(hub.cached(kRepo) / "blobs" / (kSha256OfAbc + ".incomplete"), std::string("ab"));
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), "abc");
  EXPECT_FALSE(fs::exists(hub.cached(kRepo) / "blobs" / (kSha256OfAbc + ".incomplete")));
  bool resumed = false;
  for (const nlohmann::json& request : hub.requests()) resumed |= request["range"] == "bytes=2-";
  EXPECT_TRUE(resumed);
}

TEST(Download, WhatAnEarlierRunLeftMayBeDamaged) {
  for (const std::string left : {"xx", "xxx", "much longer"}) {
    HubServer hub;
    hub.publish(kRepo, "model.pt", "abc");
    fs::create_directories(hub.cached(kRepo) / "blobs");
    write_file(hub.cached(kRepo) / "blobs" / (kSha256OfAbc + ".incomplete"), left);
    EXPECT_EQ(text_of(download(kRepo, "model.pt").path), "abc") << left;
  }
}

TEST(Download, AServerWithoutRanges) {
  HubServer hub;
  const std::string content = long_text(300000);
  hub.publish(kRepo, "model.pt", content);
  hub.set_faults({{{"on", "GET"}, {"at", "cdn"}, {"cut", 100000}, {"times", 1}},
                  {{"on", "GET"}, {"at", "cdn"}, {"no_ranges", true}}});
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), content);
}

TEST(Download, AnAnswerWithoutLength) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  hub.publish(kRepo, "config.json", "hello\n");
  hub.set_faults({{{"on", "."}, {"no_length", true}, {"headers", {{"X-Linked-Size", nullptr}}}}});
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), "abc");
}

TEST(Download, TheTokenStaysWithTheHub) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  hub.publish(kRepo, "config.json", "{}");
  hub.set_token(kRepo, "hf_secret");
  setenv("HF_TOKEN", "hf_secret", 1);
  download(kRepo, "");
  int with = 0;
  for (const nlohmann::json& request : hub.requests()) {
    if (request["server"] == "cdn") {
      EXPECT_TRUE(request["token"].is_null()) << request;
    }
    if (request["server"] == "hub") {
      EXPECT_EQ(request["token"], "Bearer hf_secret") << request;
    }
    with += request["token"].is_null() ? 0 : 1;
  }
  EXPECT_GE(with, 4);
  EXPECT_EQ(hub.count("GET", "cdn"), 1);
}

TEST(Download, TheTokenIsNotSentAgainAfterARedirectElsewhereAndBack) {
  HubServer hub;
  HubServer other;  // another port is another host
  other.publish(kRepo, "model.pt", "abc");
  const std::string home = hub.endpoint();
  hub.publish(kRepo, "model.pt", "abc");
  setenv("HF_ENDPOINT", home.c_str(), 1);
  setenv("HF_TOKEN", "hf_secret", 1);
  hub.set_faults(
      {{{"on", "HEAD /org/repo/resolve/main/model.pt$"}, {"location", other.endpoint() + "/back"}}});
  other.set_faults({{{"on", "/back"}, {"location", home + "/org/repo/resolve/" + kCommit + "/model.pt"}}});
  download(kRepo, "model.pt");
  for (const nlohmann::json& request : other.requests()) EXPECT_TRUE(request["token"].is_null()) << request;
  const nlohmann::json back = hub.requests()[1];
  EXPECT_EQ(back["path"], "/org/repo/resolve/" + kCommit + "/model.pt");
  EXPECT_TRUE(back["token"].is_null());
}

TEST(Download, FollowsAMirrorThatSendsOnToTheHub) {
  HubServer hub;
  HubServer mirror;  // the environment points to it
  hub.publish(kRepo, "model.pt", "abc");
  hub.publish(kRepo, "config.json", "{}");
  mirror.set_faults(
      {{{"on", "resolve/main/model.pt"},
        {"status", 308},
        {"location", hub.endpoint() + "/org/repo/resolve/main/model.pt"}},
       {{"on", "resolve/a+/model.pt"}, {"location", hub.endpoint() + "/org/repo/resolve/main/model.pt"}},
       {{"on", "config.json"}, {"location", hub.endpoint() + "/org/repo/resolve/main/config.json"}}});
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), "abc");
}

TEST(Download, OnceByManyThreads) {
  HubServer hub;
  const std::string content = long_text(1000000);
  hub.publish(kRepo, "model.pt", content);
  hub.set_faults({{{"on", "GET"}, {"at", "cdn"}, {"slow", 0.02}}});
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { right += text_of(download(kRepo, "model.pt").path) == content ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
  EXPECT_EQ(hub.count("GET", "cdn"), 1);
}

TEST(Download, WaitsForWhoeverHoldsTheLock) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  const fs::path locks = hub.cache() / ".locks/models--org--repo";
  fs::create_directories(locks);
  write_file(locks / (kSha256OfAbc + ".lock"), std::string());
  const fs::path path = locks / (kSha256OfAbc + ".lock");
  const int held = open(path.c_str(), O_RDWR);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  int waited = 0;
  download(kRepo, "model.pt", {.progress = [&](const DownloadProgress& progress) {
             if (progress.waiting && ++waited == 2) close(held);
             if (!progress.waiting && progress.file == "model.pt" && progress.done > 0) {
               EXPECT_EQ(waited, 2);
             }
           }});
  EXPECT_EQ(waited, 2);
}

TEST(Download, ProgressCanEndIt) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", long_text(1000000));
  hub.set_faults({{{"on", "GET"}, {"at", "cdn"}, {"slow", 0.05}}});
  struct Enough {};
  EXPECT_THROW(download(kRepo, "model.pt",
                        {.progress =
                             [](const DownloadProgress& progress) {
                               EXPECT_LE(progress.done, 1000000);
                               if (progress.done > 0) throw Enough();
                             }}),
               Enough);
  EXPECT_FALSE(find_cached("org/repo/model.pt"));
  EXPECT_EQ(read_file(download(kRepo, "model.pt").path).size(), 1000000U) << "the next one goes on";
}

TEST(Download, NeedsNoRightToWriteWhereAllIsThere) {
  HubServer hub;
  hub.publish(kRepo, "model.pt", "abc");
  const fs::path path = download(kRepo, "model.pt").path;
  fs::remove(hub.cached(kRepo) / "refs/main");  // would be written
  using fs::perms;
  fs::permissions(hub.cache().parent_path(),
                  perms::others_read | perms::others_exec | perms::group_read | perms::group_exec,
                  fs::perm_options::add);
  fs::permissions(hub.cached(kRepo) / "refs", perms::owner_write, fs::perm_options::remove);
  {
    const WithoutPrivileges as_nobody;
    EXPECT_EQ(download(kRepo, "model.pt").path, path);
  }
  EXPECT_FALSE(fs::exists(hub.cached(kRepo) / "refs/main"));
  fs::permissions(hub.cached(kRepo) / "refs", perms::owner_write, fs::perm_options::add);
}

}  // namespace
}  // namespace contentvec::test
