// Everything that can go wrong with a download: one clear error that says what to do, and nothing broken
// left.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "child.h"
#include "hub/faults.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

json on_hub(json fault) {
  fault["on"] = "model.pt";
  fault["at"] = "hub";
  return json::array({fault});
}

json on_cdn(json fault) {
  fault["on"] = "GET";
  fault["at"] = "cdn";
  return json::array({fault});
}

TEST_F(FaultTest, NobodyThere) {
  hub_.stop();
  const std::string error = error_of([] { resolve("org/repo/model.pt"); });
  EXPECT_THAT(error,
              AllOf(HasSubstr("no such file or folder"), HasSubstr("no connection"), HasSubstr("network"),
                    HasSubstr(hub_.endpoint()), HasSubstr(hub_.cache().string())));
}

TEST_F(FaultTest, NoSuchHost) {
  setenv("HF_ENDPOINT", "http://hub.invalid", 1);
  EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }), HasSubstr("no such host"));
}

TEST_F(FaultTest, Offline) {
  setenv("HF_HUB_OFFLINE", "1", 1);
  const std::string error = error_of([] { download(kRepo, "model.pt"); });
  EXPECT_THAT(error,
              AllOf(HasSubstr("HF_HUB_OFFLINE"), HasSubstr("model.pt"), HasSubstr(hub_.cache().string())));
  EXPECT_THAT(hub_.requests(), IsEmpty());
}

TEST_F(FaultTest, MissingThings) {
  EXPECT_THAT(error_of([] { download(kRepo, "other.pt"); }),
              AllOf(HasSubstr("no file \"other.pt\""), HasSubstr("/org/repo/tree/main")));
  EXPECT_THAT(error_of([] { download("org/nothing", "model.pt"); }),
              AllOf(HasSubstr("no public repository org/nothing"), HasSubstr("HF_TOKEN")));
  EXPECT_THAT(error_with(on_hub({{"status", 404}})), AllOf(HasSubstr("404"), HasSubstr("model.pt")));
  EXPECT_THAT(error_with(on_hub({{"status", 404}, {"headers", {{"X-Error-Code", "RepoNotFound"}}}})),
              AllOf(HasSubstr("no repository org/repo"), HasSubstr("404")));
}

TEST_F(FaultTest, Refusals) {
  hub_.set_token(kRepo, "hf_right");
  EXPECT_THAT(error_with(json::array()), AllOf(HasSubstr("401"), HasSubstr("HF_TOKEN")));
  setenv("HF_TOKEN", "hf_wrong", 1);
  const std::string error = error_with(json::array());
  EXPECT_THAT(error,
              AllOf(HasSubstr("403"), HasSubstr("conditions"), HasSubstr(hub_.endpoint() + "/org/repo")));
  EXPECT_THAT(error, testing::Not(HasSubstr("hf_wrong")));
  EXPECT_THAT(error_with(on_hub({{"status", 401}})),
              AllOf(HasSubstr("401"), HasSubstr("does not take the token")));
  EXPECT_THAT(error_with(on_hub({{"status", 429}})), AllOf(HasSubstr("429"), HasSubstr("wait")));
  EXPECT_THAT(error_with(on_hub({{"status", 503}})), AllOf(HasSubstr("503"), HasSubstr("later")));
  EXPECT_THAT(error_with(on_hub({{"status", 418}})), HasSubstr("418"));
  setenv("HF_TOKEN", "hf_right", 1);
  EXPECT_THAT(error_with(on_cdn({{"status", 403}})), AllOf(HasSubstr("//localhost:"), HasSubstr("403")));
  expect_to_work();
}

TEST_F(FaultTest, RedirectsWithoutEnd) {
  EXPECT_THAT(error_with(on_hub({{"location", "/org/repo/resolve/main/model.pt"}})), HasSubstr("redirects"));
  EXPECT_THAT(error_with(json::array({{{"on", "GET"}, {"location", "/round-and-round"}}})),
              HasSubstr("redirects"));
  EXPECT_LE(hub_.requests().size(), 30U);
  expect_to_work();
}

TEST_F(FaultTest, RedirectsToWhereNothingIsFetched) {
  for (const char* location :
       {"file:///etc/passwd", "ftp://localhost/x", "gopher://x/y", "http://", "http://a b/"}) {
    EXPECT_THAT(error_with(on_hub({{"location", location}})),
                AnyOf(HasSubstr("https://"), HasSubstr("address"), HasSubstr("no such host")))
        << location;
  }
  expect_to_work();
}

TEST_F(FaultTest, CutShortForGood) {
  const std::string error = error_with(on_cdn({{"cut", 70000}}));
  EXPECT_THAT(error, AllOf(HasSubstr("70000 of 200000"), HasSubstr("kept"), HasSubstr("again")));
  EXPECT_THAT(left(), SizeIs(1));
  hub_.set_faults(on_cdn({{"no_length", true}, {"cut", 90000}}));
  EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }), HasSubstr("90000 of 200000"));
  const int before = hub_.count("GET", "cdn");
  expect_to_work();
  EXPECT_EQ(hub_.count("GET", "cdn"), before + 1);
  EXPECT_EQ(hub_.requests().back()["method"], "HEAD") << "config.json";
}

TEST_F(FaultTest, Altered) {
  const std::string error = error_with(on_cdn({{"flip", 12345}}));
  EXPECT_THAT(error, AllOf(HasSubstr("altered"), HasSubstr("try again"), HasSubstr("HF_ENDPOINT")));
  EXPECT_THAT(left(), IsEmpty());
  expect_to_work();
}

TEST_F(FaultTest, AnAlteredSmallFile) {
  hub_.publish(kRepo, "config.json", "{\"hidden_size\": 48}");
  hub_.set_faults({{{"on", "GET .*config.json"}, {"flip", 3}}});
  EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }),
              AllOf(HasSubstr("altered"), HasSubstr("config.json")));
  EXPECT_FALSE(fs::exists(hub_.cached(kRepo) / "refs/main")) << "half a model is not noted as one";
  expect_to_work();
}

TEST_F(FaultTest, WrongSizes) {
  EXPECT_THAT(error_with(on_cdn({{"more", 5}})), HasSubstr("more than the 200000 bytes"));
  EXPECT_THAT(left(), IsEmpty());
  EXPECT_THAT(error_with(on_cdn({{"headers", {{"Content-Length", "7"}}}})), HasSubstr("of 200000"));
  EXPECT_THAT(error_with(on_hub({{"headers", {{"X-Linked-Size", "199999"}}}})), HasSubstr("199999"));
  EXPECT_THAT(error_with(on_hub({{"headers", {{"X-Linked-Size", "200001"}}}})), HasSubstr("200001"));
  for (const char* size : {"-1", "many", "1e9", "99999999999999999999"})
    EXPECT_THAT(error_with(on_hub({{"headers", {{"X-Linked-Size", size}}}})), HasSubstr(size));
  EXPECT_THAT(error_with(on_hub({{"headers", {{"X-Linked-Size", "4611686018427387904"}}}})),
              AllOf(HasSubstr("no room"), HasSubstr("HF_HUB_CACHE")));
  expect_to_work();
}

TEST_F(FaultTest, ALengthTooLongDoesNotMatterWhereTheBytesAreRight) {
  hub_.set_faults(on_cdn({{"headers", {{"Content-Length", "200007"}}}}));
  EXPECT_EQ(fs::file_size(download(kRepo, "model.pt").path), kContent.size());
}

TEST_F(FaultTest, AnotherRangeThanAskedFor) {
  const std::string error = error_with({{{"on", "GET"}, {"at", "cdn"}, {"cut", 1000}, {"times", 1}},
                                        {{"on", "GET"}, {"at", "cdn"}, {"wrong_range", true}}});
  EXPECT_THAT(error, AllOf(HasSubstr("from byte 1000"), HasSubstr("bytes 0-")));
  expect_to_work();
}

TEST_F(FaultTest, Silence) {
  EXPECT_THAT(error_with(on_hub({{"hang", 5}})), HasSubstr("no answer for 1 s"));
  EXPECT_LE(hub_.count("HEAD", "hub"), 1) << "nobody waits for that again and again";
  // In the middle of a file the connection is given up, and another goes on from there.
  // Few bytes have come until then: libcurl takes the mean of some seconds.
  hub_.set_faults(on_cdn({{"stall", 50}, {"times", 1}}));
  EXPECT_EQ(fs::file_size(download(kRepo, "model.pt").path), kContent.size());
  EXPECT_EQ(hub_.count("GET", "cdn"), 2);
}

TEST_F(FaultTest, WhatIsNoAnswer) {
  for (const char* garbage :
       {"", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "\x01\x02\x03"})
    EXPECT_THAT(error_with(on_hub({{"garbage", garbage}})), HasSubstr("http://127.0.0.1:")) << garbage;
  const std::string header = "X-Long: " + std::string(1000, 'a') + "\r\n";
  std::string endless = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 400; ++i) endless += header;
  EXPECT_THAT(error_with(on_hub({{"garbage", endless}})), HasSubstr("http://127.0.0.1:"));
  expect_to_work();
}

TEST_F(FaultTest, AServerThatIsNoHub) {
  const auto with = [&](const char* name, json value) {
    return error_with(on_hub({{"headers", {{name, value}}}}));
  };
  for (const json& commit :
       {json("../../../../etc"), json("main"), json(""), json(nullptr), json(std::string(41, 'a'))})
    EXPECT_THAT(with("X-Repo-Commit", commit), AllOf(HasSubstr("commit"), HasSubstr("HF_ENDPOINT")))
        << commit;
  for (const json& etag :
       {json("\"../../../x\""), json("\"\""), json(std::string(64, 'g')), json("/etc/passwd")})
    EXPECT_THAT(with("X-Linked-Etag", etag), AllOf(HasSubstr("ETag"), HasSubstr("HF_ENDPOINT"))) << etag;
  hub_.set_faults({{{"on", "api/models"}, {"headers", {{"Content-Type", "text/html"}}}, {"status", 200}}});
  EXPECT_NE(error_of([] { download(kRepo, ""); }), "");
  EXPECT_FALSE(fs::exists(hub_.cache() / "x"));
  expect_to_work();
}

TEST_F(FaultTest, NamesThatLeadElsewhere) {
  EXPECT_NE(error_of([] { download("../repo", "model.pt"); }), "");
  EXPECT_NE(error_of([] { download("..", "model.pt"); }), "");
  EXPECT_NE(error_of([] { download(kRepo, "../model.pt"); }), "");
  EXPECT_NE(error_of([] { download(kRepo, "/etc/passwd"); }), "");
  EXPECT_NE(error_of([] { download(kRepo, "model.pt", {.revision = "../../x"}); }), "");
  hub_.publish(kRepo, "model.safetensors.index.json",
               R"({"weight_map": {"a": "../../../evil.safetensors"}})");
  EXPECT_THAT(error_of([] { download(kRepo, "model.safetensors.index.json"); }), HasSubstr("plain names"));
  for (const json& request : hub_.requests())
    EXPECT_THAT(request["path"].get<std::string>(), testing::Not(HasSubstr("..")));
}

TEST_F(FaultTest, AFullDisk) {
  // A limit on the size of files stands for the end of the disk; in a child, whose limit ends with it.
  const int code = run_in_child([&] {
    const rlimit limit = {50000, 50000};
    std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      download(kRepo, "model.pt");
    } catch (const std::exception& error) {
      const std::string text = error.what();
      return text.find("free some space") != text.npos && text.find("HF_HUB_CACHE") != text.npos ? 42 : 1;
    }
    return 0;
  });
  EXPECT_EQ(code, 42);
  EXPECT_THAT(left(), IsEmpty());
  expect_to_work();
}

TEST_F(FaultTest, ABodyWithoutEnd) {
  const WithLimits limits({.unannounced = 150000, .json = 1000});
  EXPECT_THAT(error_with({{{"on", "."}, {"no_length", true}, {"headers", {{"X-Linked-Size", nullptr}}}}}),
              AllOf(HasSubstr("more than the 150000 bytes"), HasSubstr("nobody says")));
  EXPECT_THAT(left(), IsEmpty());
  hub_.set_faults(json::array());
  hub_.publish(kRepo, "config.json", std::string(2000, ' '));
  EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }),
              AllOf(HasSubstr("config.json"), HasSubstr("1000")));
  hub_.publish("org/many", std::string(200, 'a') + "/" + std::string(200, 'b'), "x");
  for (int i = 0; i < 5; ++i) hub_.publish("org/many", std::to_string(i) + std::string(200, 'c'), "x");
  EXPECT_THAT(error_of([] { download("org/many", ""); }),
              AllOf(HasSubstr("1000 bytes, the limit"), HasSubstr("org/many/FILE")));
}

TEST_F(FaultTest, ATrickle) {
  const WithLimits limits({.slow_seconds = 1});
  const std::string error = error_with(on_cdn({{"drip", 0.1}}));
  EXPECT_THAT(error, AllOf(HasSubstr("less than 8192 bytes a second"), HasSubstr("again")));
  EXPECT_EQ(hub_.count("GET", "cdn"), 1);
  EXPECT_THAT(left(), SizeIs(1)) << "to go on with";
  expect_to_work();
}

TEST_F(FaultTest, APauseThatTheServerAsksForIsNotSlowness) {
  const WithLimits limits({.slow_seconds = 1});
  hub_.set_faults({{{"on", "GET .*model.pt"},
                    {"at", "hub"},
                    {"status", 503},
                    {"times", 2},
                    {"headers", {{"Retry-After", "1"}}}}});
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), kContent);
}

TEST_F(FaultTest, SomeOfTheDiskStaysFree) {
  const WithLimits limits({.reserve = int64_t{1} << 60});
  EXPECT_THAT(error_with({{{"on", "."}, {"no_length", true}, {"headers", {{"X-Linked-Size", nullptr}}}}}),
              HasSubstr("no room for"));
  EXPECT_THAT(left(), IsEmpty());
  expect_to_work();
}

// Each answer alone is too short to be measured.
TEST_F(FaultTest, ATrickleOfManyAnswers) {
  const WithLimits limits({.slowest = 1 << 20, .slow_seconds = 1});
  const auto cut = [](int at) {
    return json{{"on", "GET"}, {"at", "cdn"}, {"drip", 0.005}, {"cut", at}, {"times", 1}};
  };
  EXPECT_THAT(error_with({cut(66000), cut(132000), cut(198000)}),
              HasSubstr("less than 1048576 bytes a second"));
  EXPECT_GT(hub_.count("GET", "cdn"), 1);
}

TEST_F(FaultTest, ARefusalIsNotTriedAgain) {
  for (const int status : {401, 403}) {
    const int before = hub_.count("GET", "hub");
    EXPECT_THAT(error_with({{{"on", "GET .*model.pt"}, {"at", "hub"}, {"status", status}}}),
                HasSubstr(std::to_string(status)));
    EXPECT_EQ(hub_.count("GET", "hub"), before + 1);
  }
}

TEST_F(FaultTest, RetryAfterIsObeyed) {
  const json asked = {{"Retry-After", "1"}};
  const auto begin = std::chrono::steady_clock::now();
  hub_.set_faults(on_hub({{"status", 429}, {"headers", asked}, {"times", 1}}));
  EXPECT_EQ(fs::file_size(download(kRepo, "model.pt").path), kContent.size());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_EQ(hub_.count("HEAD", "hub"), 5) << "model.pt twice, three files beside it";
}

TEST_F(FaultTest, ALongRetryAfterIsAnError) {
  const int before = hub_.count("GET", "hub");
  EXPECT_THAT(error_with({{{"on", "GET .*model.pt"},
                           {"at", "hub"},
                           {"status", 503},
                           {"headers", {{"Retry-After", "3600"}}}}}),
              AllOf(HasSubstr("503"), HasSubstr("wait 3600 s")));
  EXPECT_EQ(hub_.count("GET", "hub"), before + 1);
  const auto asking = [&](const char* wait) {
    return error_with(
        {{{"on", "GET .*model.pt"}, {"at", "hub"}, {"status", 503}, {"headers", {{"Retry-After", wait}}}}});
  };
  EXPECT_THAT(asking("7000"), HasSubstr("wait 2 hours"));
  for (const char* far : {"99999999999", "Fri, 01 Jan 2100 00:00:00 GMT"})
    EXPECT_THAT(asking(far), HasSubstr("wait for more than a day")) << far;
}

TEST_F(FaultTest, AResumedPieceThatIsAlteredIsNotTheEnd) {
  hub_.set_faults({{{"on", "GET"}, {"at", "cdn"}, {"cut", 100000}, {"times", 1}},
                   {{"on", "GET"}, {"at", "cdn"}, {"flip", 150000}, {"times", 1}}});
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), kContent);
  EXPECT_EQ(hub_.count("GET", "cdn"), 3);
}

TEST_F(FaultTest, APasswordInTheEndpointIsUsedAndNotShown) {
  const std::string host = hub_.endpoint().substr(hub_.endpoint().find("//") + 2);
  setenv("HF_ENDPOINT", ("http://me:secret@" + host).c_str(), 1);
  EXPECT_EQ(fs::file_size(download(kRepo, "model.pt").path), kContent.size());
  EXPECT_EQ(hub_.requests()[0]["token"], "Basic bWU6c2VjcmV0");
  for (const json& request : hub_.requests())
    EXPECT_EQ(request["token"].is_null(), request["server"] == "cdn");
  const auto quiet = testing::Not(HasSubstr("secret"));
  for (const char* endpoint : {"secret@host", "secretuser:pw@host", "ftp://secret@host", "secret"}) {
    setenv("HF_ENDPOINT", endpoint, 1);
    EXPECT_THAT(error_of([] { download(kRepo, "other.pt"); }), AllOf(HasSubstr("HF_ENDPOINT"), quiet))
        << endpoint;
  }
  setenv("HF_ENDPOINT", ("http://me:secret@" + host).c_str(), 1);
  EXPECT_THAT(error_of([] { download(kRepo, "other.pt"); }), quiet);
  for (const int status : {401, 403, 404, 418, 429, 503}) {
    hub_.set_faults({{{"on", "."}, {"status", status}}});
    EXPECT_THAT(error_of([] { resolve("org/other/x.pt"); }), quiet) << status;
  }
  hub_.stop();
  EXPECT_THAT(error_of([] { resolve("org/other/x.pt"); }), quiet);
  EXPECT_THAT(download(kRepo, "model.pt").warnings[0], quiet);
}

/// What the cache has stands in where the hub cannot or will not say anything, but not for its "no".
TEST_F(FaultTest, TheCacheStandsIn) {
  const fs::path path = download(kRepo, "model.pt").path;
  for (const json& fault :
       {json{{"status", 503}}, json{{"status", 429}}, json{{"status", 401}}, json{{"hang", 3}}}) {
    hub_.set_faults(on_hub(fault));
    const ResolvedModel model = download(kRepo, "model.pt");
    EXPECT_EQ(model.path, path);
    ASSERT_THAT(model.warnings, SizeIs(1));
    EXPECT_THAT(model.warnings[0], AllOf(HasSubstr("could not be asked"), HasSubstr(kCommit)));
  }
  hub_.set_faults(on_hub({{"status", 404}}));
  EXPECT_NE(error_of([] { download(kRepo, "model.pt"); }), "");
  hub_.stop();
  EXPECT_EQ(download(kRepo, "model.pt").path, path);
  EXPECT_EQ(download(kRepo, "").path, path);
  EXPECT_THAT(download(kRepo, "model.pt", {.local_files_only = true}).warnings, IsEmpty());
  EXPECT_THAT(error_of([] { download(kRepo, "other.pt"); }), HasSubstr("no connection"));
}

const fs::path kCertificate = fs::path(CONTENTVEC_SOURCE_DIR) / "tests/hub/localhost.pem";

TEST(Tls, ACertificateThatNobodyVouchesForIsRefused) {
  HubServer hub(kCertificate);
  hub.publish(kRepo, "model.pt", kContent);
  const std::string error = error_of([] { download(kRepo, "model.pt"); });
  EXPECT_THAT(error, AllOf(HasSubstr("certificate"), HasSubstr("SSL_CERT_FILE")));
  EXPECT_THAT(hub.requests(), IsEmpty());
  setenv("SSL_CERT_FILE", kCertificate.c_str(), 1);
  EXPECT_EQ(fs::file_size(download(kRepo, "model.pt").path), kContent.size());
}

TEST(Tls, IsNotGivenUpForARedirect) {
  HubServer plain;
  HubServer hub(kCertificate);
  setenv("SSL_CERT_FILE", kCertificate.c_str(), 1);
  hub.publish(kRepo, "model.pt", kContent);
  hub.set_faults({{{"on", "GET"}, {"at", "hub"}, {"location", plain.endpoint() + "/x"}}});
  EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }), HasSubstr("without encryption"));
  EXPECT_THAT(plain.requests(), IsEmpty());
}

}  // namespace
}  // namespace contentvec::test
