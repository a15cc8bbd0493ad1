// contentvec serve: its API over the command's and the library's own results.

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <thread>

#include "cli/files.h"
#include "cli/process.h"
#include "cli/serve/live_session.h"
#include "cli/serve/page.h"
#include "cli/serve/routes.h"
#include "cli/serve/settings.h"
#include "cli/serve/studio.h"
#include "cli/serve/temporary_file.h"
#include "cli/serving.h"
#include "cli/web_client.h"
#include "contentvec/contentvec.h"
#include "small_index.h"
#include "support.h"
#include "synthesizer/forge_voice.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string speech() {
  return text_of(data() / "audio" / "speech.flac");
}

const json kLiveStart = {{"type", "start"}, {"voice", "tiny-v2-48k.json"},
                         {"rate", 16000},   {"block_ms", 100},
                         {"extra_ms", 300}, {"key", 5}};

std::vector<float> hummed(size_t samples) {
  std::vector<float> hum(samples);
  for (size_t i = 0; i < samples; ++i) hum[i] = 0.3F * std::sin(0.06F * static_cast<float>(i));
  return hum;
}

TEST_F(ServeTest, OffersTheVoicesOfTheFolder) {
  std::vector<std::string> names;
  for (const json& voice : serving->get("/api/voices").json()) names.push_back(voice.at("name"));
  EXPECT_THAT(names, ElementsAre("tiny-v2-48k.json", "bob.safetensors", "deep/ada.safetensors"));
  const json status = serving->get("/api/status").json();
  EXPECT_EQ(status.at("methods"), json({"rmvpe"}));
  EXPECT_EQ(status.at("defaults").at("voice"), "tiny-v2-48k.json");
}

/// Which of the voices are said to have an index.
std::vector<bool> have_indexes(const Serving& server) {
  std::vector<bool> have;
  for (const json& voice : server.get("/api/voices").json()) have.push_back(voice.at("index"));
  return have;
}

TEST_F(ServeTest, SaysWhichVoicesHaveAnIndex) {
  if (!test::has_faiss()) GTEST_SKIP() << "this build reads no indexes";
  EXPECT_THAT(have_indexes(*serving), ElementsAre(false, false, true));
  EXPECT_THAT(have_indexes(Serving({"--index", test::small_index()})), ElementsAre(true, true, true));
  EXPECT_THAT(have_indexes(Serving({"--index", "none"})), ElementsAre(false, false, false));
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
      run({"convert", (data() / "audio" / "speech.flac").string(), "--voice", rvc_synthetic("tiny-v2-48k"),
           "--model", rvc_synthetic("pipeline-hubert-v2"), "--pitch-model", rvc_synthetic("tiny-rmvpe"),
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
  EXPECT_THAT(error_of_query("voice=bob.safetensors&key=nan"), HasSubstr("key: \"nan\" is no number"));
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

TEST_F(ServeTest, AHeadIsAGetWithoutItsBody) {
  for (const char* path : {"/", "/api/voices", "/api/live", "/nothing"}) {
    const Answer get = serving->get(path);
    const Answer head = ask(serving->port(), "HEAD", path, {"Connection: close"});
    EXPECT_EQ(head.status, get.status) << path;
    EXPECT_EQ(head.headers.at("content-length"), std::to_string(get.body.size())) << path;
    EXPECT_EQ(head.headers.at("content-type"), get.headers.at("content-type")) << path;
    EXPECT_THAT(head.body, IsEmpty()) << path;
  }
  EXPECT_EQ(ask(serving->port(), "HEAD", "/api/conversions/none").status, 404);
}

TEST_F(ServeTest, LiveIsTheStream) {
  WebClient client(serving->port());
  ASSERT_EQ(client.open_socket("/api/live").status, 101);
  client.send_text(kLiveStart);
  const json ready = json::parse(client.message().value_or("{}"));
  ASSERT_EQ(ready.value("type", ""), "ready") << ready;
  EXPECT_EQ(ready.at("block"), 1600);
  EXPECT_EQ(ready.at("latency_ms"), 160);
  VoiceStream stream(Model::load(rvc_synthetic("pipeline-hubert-v2")),
                     PitchEstimator::load(rvc_synthetic("tiny-rmvpe")),
                     Voice::load(rvc_synthetic("tiny-v2-48k")), std::nullopt,
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
  EXPECT_THAT(error_after({with("key", json::array({1}))}), HasSubstr("without others"));
  EXPECT_THAT(error_after({with("voice", std::string(5000, 'x'))}), HasSubstr("at most 4096 bytes"));
  for (const char* name : {"voice", "method", "seed", "rate", "type of voice"})
    EXPECT_EQ(error_after({kLiveStart, {{"type", "set"}, {name, 1}}}),
              fmt::format("there is no setting \"{}\" here, but bypass, key, formant, index_rate, protect, "
                          "rms_mix_rate, speaker",
                          name));
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

TEST(Serve, SaysWhereItCannotKeepWhatItIsSent) {
  setenv("TMPDIR", "/nowhere", 1);
  const std::string error = error_of([] { const cli::serve::TemporaryFolder folder; });
  unsetenv("TMPDIR");
  EXPECT_THAT(error, AllOf(HasSubstr("/nowhere/"), HasSubstr("TMPDIR")));
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
  EXPECT_EQ(serving.get("/api/voices", {"Authorization: bearer " + token}).status, 200);
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
  Serving serving({"--host", "0.0.0.0", "--allow-host", "Studio.example"});
  EXPECT_THAT(serving.address(), testing::MatchesRegex("http://localhost:[0-9]+/#token=[0-9a-f]{32}\n"));
  EXPECT_EQ(serving.get("/api/voices").status, 401);
  EXPECT_EQ(serving.get("/", {"Host: studio.example"}).status, 200);
  EXPECT_EQ(serving.get("/", {"Host: other.example"}).status, 403);
  serving.process().send(SIGINT);
  EXPECT_THAT(serving.process().wait().err, HasSubstr("all interfaces (0.0.0.0)"));
}

/// Whoever sends a recording learns nothing of where the server keeps it.
TEST(Serve, ErrorsNameNoTemporaryFile) {
  Serving serving;
  const TemporaryFolder folder;
  write_wav(folder / "long.wav", hummed(16000 * 20));
  const Answer added = serving.convert("voice=bob.safetensors", text_of(folder / "long.wav"));
  const fs::path own = serving.folders().at(0);
  fs::remove_all(own);
  const Answer refused = serving.convert("voice=bob.safetensors", "x");
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.json().value("error", ""),
              AllOf(HasSubstr("the recording cannot be kept"), Not(HasSubstr(own.string()))));
  EXPECT_THAT(serving.ended(added).value("error", ""),
              AllOf(HasSubstr("the result cannot be kept"), Not(HasSubstr(own.string()))));
  serving.process().send(SIGINT);
  EXPECT_THAT(serving.process().wait().err, HasSubstr(own.string())) << "its console says where";
}

TEST(Serve, SaysWhichFilesOfTheFolderItDoesNotOffer) {
  const auto said = [](const std::vector<std::string>& more) {
    Serving serving(more);
    serving.process().send(SIGINT);
    return serving.process().wait().err;
  };
  EXPECT_THAT(said({}),
              AllOf(HasSubstr("note: 1 file below voices is not offered"), Not(HasSubstr("none.pth"))));
  EXPECT_THAT(said({"--verbose"}), HasSubstr("contentvec: none.pth: "));
}

TEST(Serve, OffersTrainingCheckpointsWhereTheirRateIsGiven) {
  const TemporaryFolder folder;
  const std::string other = rvc_synthetic("tiny-v2-48k");  // of another rate, which it says
  ASSERT_EQ(run({"blend", other + ":1", other + ":2", folder / "ada.safetensors"}).code, 0);
  ForgedVoice checkpoint;
  checkpoint.with_config = false;
  checkpoint.weights_key = "model";
  checkpoint.entries.clear();
  write_file(folder / "G_100.pth", checkpoint.bytes());
  cli::VoiceArguments arguments;
  arguments.model = rvc_synthetic("pipeline-hubert-v2");
  arguments.pitch_model = rvc_synthetic("tiny-rmvpe");
  EXPECT_THAT(cli::serve::offered_voices(folder.path(), {}, arguments), SizeIs(1));
  arguments.voice_rate = 16000;
  cli::serve::Studio studio(cli::serve::offered_voices(folder.path(), {}, arguments), arguments);
  ASSERT_THAT(studio.voices(), SizeIs(2));
  for (const cli::serve::OfferedVoice& voice : studio.voices()) {
    cli::serve::Settings settings;
    settings.voice = voice.name;
    studio.check(settings);
    EXPECT_EQ(studio.parts(settings).voice.info().sample_rate, voice.name == "G_100.pth" ? 16000 : 48000);
  }
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
      error_with({"--voice", rvc_synthetic("tiny-v2-48k"), "--port", std::to_string(serving.port())}, 1),
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
      for (const char* status : {"400", "401", "403", "431", "500", "503"})  // whatever is asked for
        EXPECT_TRUE(description.at("responses").contains(status)) << path << status;
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

}  // namespace
}  // namespace contentvec::test
