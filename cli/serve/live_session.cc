#include "cli/serve/live_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/serve/reply.h"
#include "contentvec/stream.h"

namespace contentvec::cli::serve {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are sent as they lie in memory");

/// What a stream's beginning says besides Settings.
const std::vector<std::string> kStreamNames = {"rate",    "block_ms",     "extra_ms",
                                               "quality", "crossfade_ms", "bypass"};

void send(Channel& channel, const Json& json) {
  channel.write(json_line(json));
}

/// A text of the protocol, all of which are short and flat: what is deep would be copied and thrown away level by
/// level, and a stack has an end.
Json parse_object(const Message& message) {
  constexpr size_t kLongest = 4096;
  if (!message.is_text || message.data.size() > kLongest)
    throw Problem(400,
                  fmt::format("expected an object of JSON in a text message of at most {} bytes", kLongest));
  const auto check_flat = [](int depth, Json::parse_event_t event, const Json& /*value*/) {
    const bool is_nested =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (is_nested && depth > 0) throw Problem(400, "expected an object without others, or lists, in it");
    return true;
  };
  Json json = Json::parse(message.data, check_flat, false);
  if (!json.is_object()) throw Problem(400, "expected an object of JSON");
  return json;
}

/// Takes "type" out of a message, which has to be this one.
void expect_type(Json& object, const char* type, const char* expected) {
  if (object.value("type", Json()) != type) throw Problem(400, fmt::format("expected {}", expected));
  object.erase("type");
}

double number_at(const Json& object, const char* name, double standard) {
  if (!object.contains(name)) return standard;
  if (!object.at(name).is_number()) throw Problem(400, fmt::format("{}: expected a number", name));
  return object.at(name).get<double>();
}

StreamQuality quality_at(const Json& object) {
  const Json quality = object.value("quality", Json("exact"));
  if (quality != "exact" && quality != "fast")
    throw Problem(400, fmt::format("quality: {} is not one of exact, fast", json_line(quality)));
  return quality == "fast" ? StreamQuality::kFast : StreamQuality::kExact;
}

bool bypass_at(const Json& object, bool standard) {
  if (!object.contains("bypass")) return standard;
  if (!object.at("bypass").is_boolean()) throw Problem(400, "bypass: expected true or false");
  return object.at("bypass").get<bool>();
}

/// One connection's stream.
class LiveSession {
 public:
  LiveSession(Channel& channel, Json start, Studio& studio, const VoiceArguments& arguments)
      : channel_(channel),
        arguments_(arguments),
        settings_(default_settings(arguments, 0.5)),
        stream_(make_stream(std::move(start), studio)),
        block_(static_cast<size_t>(stream_.block())) {
    send(channel_, {{"type", "ready"},
                    {"rate", stream_.rate()},
                    {"block", stream_.block()},
                    {"latency_ms", milliseconds(stream_.latency())}});
  }

  void run() {
    while (const std::optional<Message> message = channel_.read()) {
      if (message->is_text) {
        change(parse_object(*message));
      } else {
        convert(message->data);
      }
    }
  }

 private:
  VoiceStream make_stream(Json start, Studio& studio) {
    expect_type(start, "start", R"({"type": "start", "voice": ...} as the first message)");
    set_from(settings_, start, kStreamNames);
    studio.check(settings_);
    bypass_ = bypass_at(start, false);
    StreamOptions options = {.rate = static_cast<int>(std::clamp(number_at(start, "rate", 48000), 0.0, 1e6)),
                             .quality = quality_at(start),
                             .pitch_threshold = arguments_.threshold};
    options.block_ms = number_at(start, "block_ms", options.block_ms);
    options.extra_ms = number_at(start, "extra_ms", options.extra_ms);
    options.crossfade_ms = number_at(start, "crossfade_ms", options.crossfade_ms);
    options.fast_context_ms = std::min(options.fast_context_ms, options.extra_ms);
    options.seed = static_cast<uint64_t>(settings_.seed.value_or(0));
    options.settings = stream_settings_now();
    Parts parts = studio.parts(settings_);
    return {std::move(parts.model), std::move(parts.pitch), std::move(parts.voice),
            std::move(parts.retriever), options};
  }

  [[nodiscard]] StreamSettings stream_settings_now() const {
    StreamSettings now = stream_settings(settings_, arguments_);
    now.bypass = bypass_;
    return now;
  }

  void change(Json object) {
    expect_type(object, "set", R"({"type": "set", ...} with settings that may change while a stream runs)");
    change_from(settings_, object, {"bypass"});
    bypass_ = bypass_at(object, bypass_);
    stream_.set(stream_settings_now());
  }

  void convert(const std::string& bytes) {
    const std::span<std::byte> samples = std::as_writable_bytes(std::span(block_));
    if (bytes.size() != samples.size())
      throw Problem(400, fmt::format("a message of samples has {} bytes, expected {}: {} samples of float32",
                                     bytes.size(), samples.size(), block_.size()));
    std::memcpy(samples.data(), bytes.data(), bytes.size());
    (void)stream_.process(block_, block_);  // where it fails there is silence, which stats() counts
    channel_.write(std::span<const std::byte>(samples));
    if (++blocks_ * stream_.block() >= stream_.rate()) tell();
  }

  /// About once a second, how it is going.
  void tell() {
    blocks_ = 0;
    const StreamStats stats = stream_.stats();
    Json json = {{"type", "stats"},
                 {"blocks", stats.blocks},
                 {"failed", stats.failed},
                 {"underruns", stats.underruns},
                 {"last_ms", stats.last_ms},
                 {"p99_ms", stats.p99_ms},
                 {"block_ms", milliseconds(stream_.block())},
                 {"input_level", stats.input_level},
                 {"output_level", stats.output_level},
                 {"f0", stats.f0}};
    if (stats.failed > 0) json["error"] = stream_.error();
    send(channel_, json);
  }

  [[nodiscard]] double milliseconds(int64_t samples) const {
    return 1000.0 * static_cast<double>(samples) / stream_.rate();
  }

  Channel& channel_;
  const VoiceArguments& arguments_;
  Settings settings_;
  bool bypass_ = false;
  VoiceStream stream_;
  std::vector<float> block_;
  int64_t blocks_ = 0;  ///< since the last word
};

}  // namespace

void run_live_session(Channel& channel, Studio& studio, const VoiceArguments& arguments) {
  try {
    const std::optional<Message> first = channel.read();
    if (!first) return;
    LiveSession(channel, parse_object(*first), studio, arguments).run();
  } catch (const Disconnected&) {
    throw;
  } catch (const std::exception& error) {
    send(channel, {{"type", "error"}, {"error", error.what()}});
  }
}

}  // namespace contentvec::cli::serve
