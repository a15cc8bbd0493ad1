// contentvec serve: its API over the library's own results, and what it does with requests that mean no good.

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "cli/files.h"
#include "cli/process.h"
#include "cli/serve/live_session.h"
#include "cli/serve/page.h"
#include "cli/serve/routes.h"
#include "cli/serve/server.h"
#include "cli/serve/settings.h"
#include "cli/web_client.h"
#include "contentvec/contentvec.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string served_config(const std::string& config) {
  return "synthetic:" +
         (fs::path(CONTENTVEC_SOURCE_DIR) / "tests/oracle-rvc/configs" / (config + ".json")).string();
}

std::string speech() {
  return text_of(data() / "audio" / "speech.flac");
}

/// The program, serving two voices of a folder and one that is named.
class Serving {
 public:
  explicit Serving(const std::vector<std::string>& more = {}, const std::string& token = "") {
    fs::create_directories(folder_ / "voices/deep");
    fs::create_directories(temporary());
    const std::string config = served_config("tiny-v2-48k");
    (void)run({"blend", config + ":1", config + ":2", folder_ / "voices/deep/ada.safetensors"});
    write_file(folder_ / "voices/bob.safetensors", text_of(folder_ / "voices/deep/ada.safetensors"));
    write_file(folder_ / "voices/none.pth", std::string("no voice"));
    std::vector<std::string> arguments = {"serve",
                                          "--voices",
                                          "voices",
                                          "--voice",
                                          config,
                                          "--port",
                                          "0",
                                          "--pitch-model",
                                          served_config("tiny-rmvpe"),
                                          "--model",
                                          served_config("pipeline-hubert-v2")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    setenv("HF_HUB_OFFLINE", "1", 1);
    setenv("TMPDIR", temporary().c_str(), 1);
    if (!token.empty()) setenv("CONTENTVEC_SERVE_TOKEN", token.c_str(), 1);
    process_.emplace(arguments, Surroundings{.folder = folder_.path(), .output = folder_ / "out"});
    for (const char* name : {"HF_HUB_OFFLINE", "TMPDIR", "CONTENTVEC_SERVE_TOKEN"}) unsetenv(name);
    wait_for_port();
  }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string address() const { return text_of(folder_ / "out"); }
  /// What it has in the folder for temporary files.
  [[nodiscard]] std::vector<fs::path> folders() const {
    std::vector<fs::path> own;
    for (const std::string& name : names_in(temporary()))
      if (name.starts_with("contentvec-serve-")) own.push_back(temporary() / name);
    return own;
  }
  Process& process() { return *process_; }

  Answer get(const std::string& target, const std::vector<std::string>& headers = {}) const {
    return ask(port_, "GET", target, headers);
  }
  Answer convert(const std::string& query, const std::string& recording) const {
    return ask(port_, "POST", "/api/conversions?" + query, {}, recording);
  }
  /// Waits until it has ended.
  [[nodiscard]] json ended(const Answer& added) const {
    EXPECT_EQ(added.status, 202) << added.body;
    for (int tries = 0; tries < 3000; ++tries) {
      json job = get(added.headers.at("location")).json();
      if (job.at("status") == "done" || job.at("status") == "failed") return job;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
  }

 private:
  [[nodiscard]] fs::path temporary() const { return folder_ / "tmp"; }

  void wait_for_port() {
    for (int tries = 0; tries < 3000 && process_->running(); ++tries) {
      const std::string printed = fs::exists(folder_ / "out") ? address() : "";
      if (printed.ends_with('\n')) {
        port_ = std::stoi(printed.substr(printed.find(':', 7) + 1));
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "it does not serve: " << process_->wait().err;
  }

  TemporaryFolder folder_;
  std::optional<Process> process_;
  int port_ = 0;
};

/// One server for all that leave it as it was.
class ServeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { serving = new Serving; }
  static void TearDownTestSuite() { delete std::exchange(serving, nullptr); }
  void TearDown() override { EXPECT_EQ(serving->get("/api/status").status, 200) << "it goes on"; }
  static inline Serving* serving = nullptr;
};

TEST_F(ServeTest, OffersTheVoicesOfTheFolder) {
  std::vector<std::string> names;
  for (const json& voice : serving->get("/api/voices").json()) names.push_back(voice.at("name"));
  EXPECT_THAT(names, ElementsAre("tiny-v2-48k.json", "bob.safetensors", "deep/ada.safetensors"));
  const json status = serving->get("/api/status").json();
  EXPECT_EQ(status.at("methods"), json({"rmvpe"}));
  EXPECT_EQ(status.at("defaults").at("voice"), "tiny-v2-48k.json");
}

TEST_F(ServeTest, AConversionIsTheCommands) {
  const json job = serving->ended(
      serving->convert("voice=tiny-v2-48k.json&key=5.5&seed=7&formant=-1&format=flac", speech()));
  ASSERT_EQ(job.at("status"), "done") << job;
  EXPECT_EQ(job.at("progress"), 1);
  const std::string path = "/api/conversions/" + job.at("id").get<std::string>();
  const Answer result = serving->get(path + "/result");
  EXPECT_EQ(result.headers.at("content-type"), "audio/flac");
  const TemporaryFolder folder;
  const Result command =
      run({"convert", (data() / "audio" / "speech.flac").string(), "--voice", served_config("tiny-v2-48k"),
           "--model", served_config("pipeline-hubert-v2"), "--pitch-model", served_config("tiny-rmvpe"),
           "--key", "5.5", "--seed", "7", "--formant", "-1", "--out", (folder / "out.flac").string()});
  ASSERT_EQ(command.code, 0) << command.err;
  EXPECT_TRUE(result.body == text_of(folder / "out.flac"));
  EXPECT_EQ(ask(serving->port(), "DELETE", path).status, 204);
  EXPECT_EQ(serving->get(path).status, 404);
  EXPECT_EQ(serving->get(path + "/result").status, 404);
  ASSERT_EQ(serving->folders().size(), 1U);
  EXPECT_TRUE(fs::is_empty(serving->folders().front())) << "no file has a name";
}

TEST_F(ServeTest, ChunkedAndAnnouncedBodiesAreTheSame) {
  const std::string file = speech();
  WebClient client(serving->port());
  client.send(
      "POST /api/conversions?voice=deep%2Fada.safetensors HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_EQ(client.answer().status, 100);
  const auto chunk = [](const std::string& bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
  };
  client.send(chunk(file.substr(0, 999)) + chunk(file.substr(999)) + "0\r\n\r\n");
  EXPECT_EQ(serving->ended(client.answer()).at("status"), "done");
  client.send("GET /api/voices HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.answer().status, 200) << "the connection is kept";
}

TEST_F(ServeTest, SaysWhatIsWrongWithAConversion) {
  const auto error_of_query = [&](const std::string& query) {
    const Answer answer = serving->convert(query, "x");
    EXPECT_EQ(answer.status, 400) << query;
    return answer.json().value("error", "");
  };
  EXPECT_THAT(error_of_query(""), HasSubstr("/api/voices"));
  EXPECT_THAT(error_of_query("voice=../voices/bob.safetensors"), HasSubstr("there is none"));
  EXPECT_THAT(error_of_query("voice=/etc/passwd"), HasSubstr("there is none"));
  EXPECT_THAT(error_of_query("voice=none.pth"), HasSubstr("there is none"));
  EXPECT_THAT(error_of_query("voice=bob.safetensors&key=49"), HasSubstr("number from -48 to 48"));
  EXPECT_THAT(error_of_query("voice=bob.safetensors&key=nan"), HasSubstr("key"));
  EXPECT_THAT(error_of_query("voice=bob.safetensors&speaker=0.5"), HasSubstr("whole number"));
  EXPECT_THAT(error_of_query("voice=bob.safetensors&speaker=77"), HasSubstr("this voice's"));
  EXPECT_THAT(error_of_query("voice=bob.safetensors&method=fcpe"), HasSubstr("one of rmvpe"));
  EXPECT_THAT(error_of_query("voice=bob.safetensors&format=mp3"), HasSubstr("wav, flac"));
  EXPECT_THAT(error_of_query("voice=bob.safetensors&model=x"), HasSubstr("no setting \"model\""));
  EXPECT_THAT(serving->convert("voice=bob.safetensors", "").json().value("error", ""), HasSubstr("body"));
  EXPECT_EQ(serving->convert("voice=%ff%zz", "x").status, 400);
  EXPECT_EQ(serving->convert("voice=%ff", "x").status, 400);
  const json failed =
      serving->ended(serving->convert("voice=bob.safetensors", "this is no audio file at all"));
  EXPECT_EQ(failed.at("status"), "failed");
  EXPECT_THAT(failed.at("error").get<std::string>(), HasSubstr("cannot read audio from 'the recording'"));
  EXPECT_EQ(serving->get("/api/conversions/" + failed.at("id").get<std::string>() + "/result").status, 409);
}

const json kLiveStart = {{"type", "start"}, {"voice", "tiny-v2-48k.json"},
                         {"rate", 16000},   {"block_ms", 100},
                         {"extra_ms", 300}, {"key", 5}};

std::vector<float> hummed(size_t samples) {
  std::vector<float> hum(samples);
  for (size_t i = 0; i < samples; ++i) hum[i] = 0.3F * std::sin(0.06F * static_cast<float>(i));
  return hum;
}

TEST_F(ServeTest, LiveIsTheStream) {
  WebClient client(serving->port());
  ASSERT_EQ(client.open_socket("/api/live").status, 101);
  client.send_text(kLiveStart);
  const json ready = json::parse(client.message().value_or("{}"));
  ASSERT_EQ(ready.value("type", ""), "ready") << ready;
  EXPECT_EQ(ready.at("block"), 1600);
  EXPECT_EQ(ready.at("latency_ms"), 160);
  VoiceStream stream(Model::load(served_config("pipeline-hubert-v2")),
                     PitchEstimator::load(served_config("tiny-rmvpe")),
                     Voice::load(served_config("tiny-v2-48k")), std::nullopt,
                     {.rate = 16000, .block_ms = 100, .extra_ms = 300, .settings = {.key = 5}});
  const std::vector<float> input = hummed(16000);
  std::vector<float> expected(1600);
  for (size_t begin = 0; begin < input.size(); begin += expected.size()) {
    if (begin == 8000) {
      client.send_text({{"type", "set"}, {"key", -3}, {"rms_mix_rate", 0.5}});
      stream.set({.key = -3, .rms_mix_rate = 0.5F});
    }
    const std::span<const float> block = std::span(input).subspan(begin, expected.size());
    client.send_frame(2, {reinterpret_cast<const char*>(block.data()), block.size_bytes()});
    (void)stream.process(block, expected);
    const std::string heard = client.message().value_or("");
    ASSERT_EQ(heard.size(), block.size_bytes());
    ASSERT_EQ(std::memcmp(heard.data(), expected.data(), heard.size()), 0) << begin;
  }
  const json stats = json::parse(client.message().value_or("{}"));
  EXPECT_EQ(stats.value("type", ""), "stats");
  EXPECT_EQ(stats.at("blocks"), 10);
  client.send_frame(8, "");
  EXPECT_TRUE(client.is_ended());
}

TEST_F(ServeTest, SaysWhatIsWrongLive) {
  const auto error_after = [&](const std::vector<json>& messages) {
    WebClient client(serving->port());
    EXPECT_EQ(client.open_socket("/api/live").status, 101);
    for (const json& message : messages) client.send_text(message);
    std::string last;
    while (const std::optional<std::string> message = client.message()) last = *message;
    return json::parse(last, nullptr, false).value("error", "no error: " + last);
  };
  const auto with = [](const char* name, const json& value) {
    json start = kLiveStart;
    start[name] = value;
    return start;
  };
  EXPECT_THAT(error_after({{{"type", "begin"}}}), HasSubstr("\"start\""));
  EXPECT_THAT(error_after({json::array({1})}), HasSubstr("expected an object"));
  EXPECT_THAT(error_after({with("voice", "/etc/passwd")}), HasSubstr("there is none"));
  EXPECT_THAT(error_after({with("key", "5")}), HasSubstr("key"));
  EXPECT_THAT(error_after({with("rate", 22051)}), HasSubstr("22051"));
  EXPECT_THAT(error_after({with("rate", 1e300)}), HasSubstr("rate"));
  EXPECT_THAT(error_after({with("block_ms", -1)}), HasSubstr("block"));
  EXPECT_THAT(error_after({with("quality", "best")}), HasSubstr("exact, fast"));
  EXPECT_THAT(error_after({with("threads", 4)}), HasSubstr("no setting"));
  EXPECT_THAT(error_after({kLiveStart, {{"type", "set"}, {"voice", "bob.safetensors"}}}),
              HasSubstr("not the voice"));
  EXPECT_THAT(error_after({kLiveStart, {{"type", "set"}, {"protect", 7}}}), HasSubstr("protect"));
}

TEST_F(ServeTest, AMessageOfAnotherSizeEndsIt) {
  WebClient client(serving->port());
  ASSERT_EQ(client.open_socket("/api/live").status, 101);
  client.send_text(kLiveStart);
  ASSERT_THAT(client.message().value_or(""), HasSubstr("ready"));
  client.send_frame(2, std::string(6401, 'x'));
  EXPECT_THAT(client.message().value_or(""), HasSubstr("expected 6400"));
  EXPECT_TRUE(client.is_ended());
}

TEST_F(ServeTest, StreamsAreBounded) {
  std::vector<std::unique_ptr<WebClient>> clients;
  for (int i = 0; i < cli::serve::kMostStreams; ++i) {
    clients.push_back(std::make_unique<WebClient>(serving->port()));
    ASSERT_EQ(clients.back()->open_socket("/api/live").status, 101);
    clients.back()->send_text(kLiveStart);
    ASSERT_THAT(clients.back()->message().value_or(""), HasSubstr("ready"));
  }
  WebClient another(serving->port());
  ASSERT_EQ(another.open_socket("/api/live").status, 101);
  EXPECT_THAT(another.message().value_or(""), HasSubstr("open already"));
}

TEST_F(ServeTest, PagesOfOtherSitesAreRefused) {
  const std::string own = "127.0.0.1:" + std::to_string(serving->port());
  const std::vector<std::vector<std::string>> refused = {
      {"Host: evil.example"},
      {"Host: evil.example:" + std::to_string(serving->port())},
      {"Host: localhost.evil.example"},
      {"Host: "},
      {"Host: 127.0.0.1", "Host: evil.example"},
      {"Host: 127.0.0.1.evil.example"},
      {"Host: [evil]"},
      {"Origin: http://evil.example"},
      {"Origin: null"},
      {"Origin: http://127.0.0.1:1"},
      {"Origin: http://" + own + ".evil.example"},
      {"Origin: file://"},
      {"Sec-Fetch-Site: cross-site"},
      {"Sec-Fetch-Site: same-site"},
      {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}};
  for (const std::vector<std::string>& headers : refused) {
    EXPECT_EQ(serving->get("/api/voices", headers).status, 403) << headers.front();
    EXPECT_EQ(ask(serving->port(), "POST", "/api/conversions?voice=bob.safetensors", headers, "x").status,
              403);
    WebClient client(serving->port());
    EXPECT_EQ(client.open_socket("/api/live", headers).status, 403) << headers.front();
  }
  EXPECT_EQ(serving->get("/", refused.front()).status, 403);
  EXPECT_EQ(serving->get("/", refused.back()).status, 200) << "a link that leads here";
  for (const std::string& header :
       {"Origin: http://" + own, "Origin: https://" + own, std::string("Sec-Fetch-Site: same-origin"),
        std::string("Host: LOCALHOST:1"), std::string("Host: [::1]:8765"), std::string("Host: 10.0.0.7")})
    EXPECT_EQ(serving->get("/api/voices", {header}).status, 200) << header;
  EXPECT_EQ(serving->get("/api/status").headers.count("access-control-allow-origin"), 0U);
}

TEST_F(ServeTest, NoPathLeadsOut) {
  for (const char* target : {"/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/etc/passwd",
                             "/style.css/..", "/page/index.html", "/api/conversions/..%2f..%2fetc%2fpasswd",
                             "/api/conversions/../../etc/passwd/result", "/api/conversions//result",
                             "/api/conversions/", "/api/", "/index.html%00.css", "/voices/bob.safetensors"})
    EXPECT_EQ(serving->get(target).status, 404) << target;
  EXPECT_EQ(serving->get("http://127.0.0.1/").status, 400);
  EXPECT_EQ(ask(serving->port(), "PUT", "/api/voices").status, 405);
  EXPECT_EQ(ask(serving->port(), "PUT", "/api/conversions").headers.at("allow"), "GET, POST");
  EXPECT_EQ(ask(serving->port(), "POST", "/").status, 405);
  EXPECT_EQ(serving->get("/api/live").status, 426);
}

TEST_F(ServeTest, ThePageIsWholeAndItsOwn) {
  for (const cli::serve::PageFile& file : cli::serve::page_files()) {
    const Answer answer = serving->get("/" + std::string(file.name));
    EXPECT_EQ(answer.status, 200) << file.name;
    EXPECT_THAT(answer.headers.at("content-security-policy"),
                AllOf(HasSubstr("default-src 'none'"), HasSubstr("frame-ancestors 'none'"),
                      Not(HasSubstr("unsafe"))));
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer.body,
              text_of(fs::path(CONTENTVEC_SOURCE_DIR) / "cli/serve/page" / std::string(file.name)));
    if (file.name != "icon.svg") {
      EXPECT_THAT(answer.body, Not(HasSubstr("//cdn")));
      EXPECT_THAT(answer.body, Not(HasSubstr("src=\"http")));
    }
  }
}

TEST_F(ServeTest, HostileRequestsAreAnsweredOrEnded) {
  const auto answer_to = [&](const std::string& bytes) {
    WebClient client(serving->port());
    client.send(bytes);
    return client.answer().status;
  };
  const std::string post = "POST /api/conversions?voice=bob.safetensors HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(answer_to(post + "Content-Length: 9223372036854775807\r\n\r\nx"), 413);
  EXPECT_EQ(answer_to(post + "Content-Length: 256000001\r\n\r\nx"), 413);
  EXPECT_EQ(answer_to(post + "Content-Length: 99999999999999999999999\r\n\r\nx"), 400);
  EXPECT_EQ(answer_to(post + "Content-Length: -1\r\n\r\nx"), 400);
  EXPECT_EQ(answer_to(post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), 400);
  EXPECT_EQ(answer_to(post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(answer_to("\x16\x03\x01 this is TLS\r\n\r\n"), 400);
  EXPECT_EQ(answer_to(std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30)), 400);
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
            431);
  EXPECT_EQ(answer_to("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 431);
  EXPECT_EQ(answer_to("GET / HTTP/1.0\r\n\r\n"), 403) << "no Host";
  WebClient chunked(serving->port());
  chunked.send(post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nxxx");
  WebClient gone(serving->port());
  gone.send(post + "Content-Length: 100000\r\n\r\nhalf of it");
}

TEST_F(ServeTest, GarbageInAWebSocketEndsIt) {
  const std::vector<std::string> garbage = {
      std::string("\x82\x05hello", 7),                                  // not masked
      std::string("\xf2\x85maskhello", 11),                             // reserved bits
      std::string("\x83\x85maskhello", 11),                             // an opcode that is none
      std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", 14),  // as long as can be said
      std::string("\x89\xfe\x01\x00mask", 8) + std::string(256, 'x'),   // a control frame that is too long
      std::string("\x81\x84mask\x92\x9f\x8d\x94", 10),                  // a text that is no UTF-8
      "GET / HTTP/1.1\r\n\r\n"};
  for (const std::string& bytes : garbage) {
    WebClient client(serving->port());
    ASSERT_EQ(client.open_socket("/api/live").status, 101);
    client.send(bytes);
    EXPECT_TRUE(client.is_ended()) << bytes;
  }
  WebClient elsewhere(serving->port());
  EXPECT_EQ(elsewhere.open_socket("/api/voices").status, 404);
  WebClient old(serving->port());
  EXPECT_TRUE(
      old.send(
          "GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n") &&
      old.is_ended());
}

TEST_F(ServeTest, ThoseThatWaitAreBounded) {
  std::vector<std::unique_ptr<WebClient>> clients;
  const std::string post =
      "POST /api/conversions?voice=bob.safetensors HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n";
  for (size_t i = 0; i < cli::serve::kMostWaiting; ++i) {
    clients.push_back(std::make_unique<WebClient>(serving->port()));
    clients.back()->send(post);
    ASSERT_EQ(clients.back()->answer().status, 100);
  }
  EXPECT_EQ(serving->convert("voice=bob.safetensors", "x").status, 503);
  clients.clear();
  for (int tries = 0; tries < 300; ++tries) {
    if (serving->convert("voice=bob.safetensors", "x").status == 202) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "places are not given back";
}

TEST(Serve, AsksForItsToken) {
  const std::string token = "correct-horse-battery";
  const Serving serving({}, token);
  EXPECT_THAT(serving.address(), HasSubstr("/#token=" + token));
  EXPECT_EQ(serving.get("/").status, 200);
  EXPECT_EQ(serving.get("/api/voices").status, 401);
  EXPECT_EQ(serving.get("/api/voices", {"Authorization: Bearer correct-horse-batterx"}).status, 401);
  EXPECT_EQ(serving.get("/api/voices", {"Authorization: Bearer "}).status, 401);
  EXPECT_EQ(serving.get("/api/voices?token=" + token).status, 401);
  EXPECT_EQ(serving.get("/api/voices", {"Authorization: Bearer " + token}).status, 200);
  const auto opened = [&](const std::vector<std::string>& headers) {
    WebClient client(serving.port());
    return client.open_socket("/api/live", headers);
  };
  EXPECT_EQ(opened({}).status, 401);
  EXPECT_EQ(opened({"Sec-WebSocket-Protocol: contentvec.live, bearer.wrong-horse-battery"}).status, 401);
  EXPECT_EQ(opened({"Authorization: Bearer " + token}).status, 101);
  const Answer answer = opened({"Sec-WebSocket-Protocol: contentvec.live, bearer." + token});
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(answer.headers.at("sec-websocket-protocol"), "contentvec.live");
}

TEST(Serve, OnOtherAddressesItMakesAToken) {
  const Serving serving({"--host", "0.0.0.0", "--allow-host", "Studio.example"});
  EXPECT_THAT(serving.address(), testing::MatchesRegex("http://0\\.0\\.0\\.0:[0-9]+/#token=[0-9a-f]{32}\n"));
  EXPECT_EQ(serving.get("/api/voices").status, 401);
  EXPECT_EQ(serving.get("/", {"Host: studio.example"}).status, 200);
  EXPECT_EQ(serving.get("/", {"Host: other.example"}).status, 403);
}

TEST(Serve, RecordingsAreBounded) {
  const Serving serving({"--max-minutes", "0.1", "--max-megabytes", "1"});
  TemporaryFolder folder;
  write_wav(folder / "long.wav", hummed(16000 * 7));
  const json failed = serving.ended(serving.convert("voice=bob.safetensors", text_of(folder / "long.wav")));
  EXPECT_THAT(failed.value("error", ""), HasSubstr("longer than 6 seconds"));
  const std::string large(1'000'001, 'x');
  EXPECT_EQ(serving.convert("voice=bob.safetensors", large).status, 413);
  WebClient client(serving.port());
  client.send(
      "POST /api/conversions?voice=bob.safetensors HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send(fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", large.size(), large));
  EXPECT_EQ(client.answer().status, 413) << "without an announcement";
}

TEST(Serve, AnInterruptEndsItAndLeavesNothing) {
  Serving serving;
  WebClient live(serving.port());
  ASSERT_EQ(live.open_socket("/api/live").status, 101);
  live.send_text(kLiveStart);
  ASSERT_THAT(live.message().value_or(""), HasSubstr("ready"));
  WebClient half(serving.port());
  half.send(
      "POST /api/conversions?voice=bob.safetensors HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf");
  const TemporaryFolder folder;
  write_wav(folder / "long.wav", hummed(16000 * 120));
  ASSERT_EQ(serving.convert("voice=bob.safetensors", text_of(folder / "long.wav")).status, 202);
  serving.process().send(SIGINT);
  const Result result = serving.process().wait();
  EXPECT_EQ(result.code, 0) << result.signal << result.err;
  EXPECT_THAT(result.err, HasSubstr("stopped"));
  EXPECT_TRUE(live.is_ended());
  EXPECT_THAT(serving.folders(), IsEmpty());
}

TEST(Serve, SaysWhatIsWrongAtItsBeginning) {
  const TemporaryFolder folder;
  const auto error_with = [&](const std::vector<std::string>& more, int code) {
    std::vector<std::string> arguments = {"serve"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = run(arguments, {.folder = folder.path()});
    EXPECT_EQ(result.code, code) << result.err;
    return result.err;
  };
  EXPECT_THAT(error_with({}, 1), HasSubstr("no voices below this folder"));
  EXPECT_THAT(error_with({"--voices", "nowhere"}, 2), HasSubstr("nowhere"));
  EXPECT_THAT(error_with({"--voice", "nowhere.pth"}, 1), HasSubstr("nowhere.pth"));
  EXPECT_THAT(error_with({"--host", "studio.example"}, 2), HasSubstr("address in digits"));
  EXPECT_THAT(error_with({"--port", "65536"}, 2), HasSubstr("--port"));
  const Serving serving;
  EXPECT_THAT(
      error_with({"--voice", served_config("tiny-v2-48k"), "--port", std::to_string(serving.port())}, 1),
      HasSubstr("port " + std::to_string(serving.port())));
}

/// openapi.json and the program are about the same.
TEST(Serve, TheApiIsAsItSays) {
  const json api = read_json(fs::path(CONTENTVEC_SOURCE_DIR) / "cli/serve/page/openapi.json");
  std::set<std::string> described;
  for (const auto& [path, methods] : api.at("paths").items())
    for (const auto& [method, description] : methods.items()) {
      std::string name = method;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
      described.insert(fmt::format("{} {}", name, path));
      EXPECT_TRUE(description.contains("responses")) << path;
    }
  std::set<std::string> routes;
  for (const cli::serve::Route& route : cli::serve::api_routes())
    routes.insert(fmt::format("{} {}", route.method, route.path));
  EXPECT_EQ(described, routes);

  const json& settings = api.at("components").at("schemas").at("Settings").at("properties");
  json parameters;
  for (const json& parameter : api.at("paths").at("/api/conversions").at("post").at("parameters"))
    parameters[parameter.at("name").get<std::string>()] = parameter.at("schema");
  std::set<std::string> names = {"voice", "method", "seed"};
  for (const cli::serve::NumberSetting& number : cli::serve::kNumberSettings) {
    names.insert(number.name);
    for (const json& schema : {settings.at(number.name), parameters.at(number.name)}) {
      EXPECT_EQ(schema.at("minimum"), number.least) << number.name;
      EXPECT_EQ(schema.at("maximum"), number.most) << number.name;
      EXPECT_EQ(schema.at("type"), number.is_whole ? "integer" : "number") << number.name;
    }
  }
  for (const json& schemas : {settings, parameters})
    for (const auto& [name, schema] : schemas.items())
      EXPECT_TRUE(names.contains(name) || name == "format") << name;
  EXPECT_EQ(settings.size(), names.size());
}

/// What has fewer bounds than a person's patience, over an application that does nothing.
class ShortServer : public testing::Test, public cli::serve::Application {
 protected:
  ShortServer() {
    thread_ = std::thread([this] { server_.run([this] { return stop_.load(); }); });
  }
  ~ShortServer() override {
    stop_ = true;
    thread_.join();
  }

  cli::serve::Response answer(cli::serve::Request& request) override {
    std::vector<std::byte> body(1 << 20);
    request.read_body(body);
    return {.body = std::string(100'000'000, 'x')};
  }
  std::optional<cli::serve::Response> refuse_channel(const cli::serve::Request& /*request*/) override {
    return {};
  }
  void talk(cli::serve::Channel& channel) override {
    while (channel.read()) {
    }
  }
  [[nodiscard]] int port() const { return server_.port(); }

 private:
  static constexpr std::chrono::milliseconds kShort{200};
  cli::serve::Server server_{
      "127.0.0.1", 0, *this, {.connections = 3, .header = kShort, .part = kShort, .message = kShort}};
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(ShortServer, EndsWhoIsSlow) {
  WebClient silent(port());
  EXPECT_TRUE(silent.is_ended()) << "no request";
  WebClient header(port());
  header.send("GET / HTTP/1.1\r\nHost: local");
  EXPECT_TRUE(header.is_ended()) << "half a header";
  WebClient body(port());
  body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nhalf a body");
  EXPECT_TRUE(body.is_ended());
  WebClient socket(port());
  ASSERT_EQ(socket.open_socket("/").status, 101);
  EXPECT_TRUE(socket.is_ended()) << "no message";
  WebClient reader(port());
  reader.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  EXPECT_LT(reader.answer().body.size(), 100'000'000U) << "nobody took it in time";
}

TEST_F(ShortServer, ConnectionsAreBounded) {
  std::vector<std::unique_ptr<WebClient>> sockets;
  for (int i = 0; i < 3; ++i) {
    sockets.push_back(std::make_unique<WebClient>(port()));
    ASSERT_EQ(sockets.back()->open_socket("/").status, 101);
  }
  WebClient another(port());
  EXPECT_EQ(another.answer().status, 503);
}

}  // namespace
}  // namespace contentvec::test
