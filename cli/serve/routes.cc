#include "cli/serve/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>

#include "cli/console.h"
#include "cli/serve/live_session.h"
#include "cli/serve/page.h"
#include "cli/serve/reply.h"
#include "contentvec/error.h"
#include "contentvec/version.h"

namespace contentvec::cli::serve {

/// What each route does. `id`: what stood for {id}.
struct Handlers {
  static Response status(Service& service, Request& /*request*/, const std::string& /*id*/) {
    const JobLimits& limits = service.jobs_.limits();
    Settings defaults = default_settings(service.arguments_, 0.33);
    if (defaults.method.empty()) defaults.method = service.studio_.methods().front();
    defaults.voice = service.studio_.voices().front().name;
    return reply(200, {{"version", version()},
                       {"methods", service.studio_.methods()},
                       {"defaults", json_of(defaults)},
                       {"limits",
                        {{"upload_bytes", limits.upload_bytes},
                         {"seconds", limits.seconds},
                         {"waiting", kMostWaiting},
                         {"kept", kMostKept},
                         {"streams", kMostStreams}}}});
  }

  static Response voices(Service& service, Request& /*request*/, const std::string& /*id*/) {
    Json list = Json::array();
    for (const OfferedVoice& voice : service.studio_.voices())
      list.push_back({{"name", voice.name},
                      {"version", voice.info.version},
                      {"sample_rate", voice.info.sample_rate},
                      {"pitch", voice.info.pitch},
                      {"speakers", voice.info.speakers},
                      {"index", voice.index.has_value()}});
    return reply(200, list);
  }

  static Response list(Service& service, Request& /*request*/, const std::string& /*id*/) {
    return reply(200, service.jobs_.list());
  }

  static Response add(Service& service, Request& request, const std::string& /*id*/) {
    Settings settings = default_settings(service.arguments_, 0.33);
    set_from(settings, request.query, {"format"});
    service.studio_.check(settings);
    const AudioContainer container = container_of(request);
    const uint64_t most = service.jobs_.limits().upload_bytes;
    if (request.length.value_or(0) > most) refuse_size(most);
    const Jobs::Place place(service.jobs_);
    std::unique_ptr<TemporaryFile> recording = received(request, place, most);
    if (recording->size() == 0)
      throw Problem(400, "expected the bytes of an audio file as the request's body");
    const Json job = service.jobs_.add(place, settings, container, std::move(recording));
    Response response = reply(202, job);
    response.headers.emplace_back("Location", "/api/conversions/" + job.at("id").get<std::string>());
    return response;
  }

  static Response find(Service& service, Request& /*request*/, const std::string& id) {
    return reply(200, service.jobs_.find(id));
  }
  static Response remove(Service& service, Request& /*request*/, const std::string& id) {
    service.jobs_.remove(id);
    return {.status = 204};
  }
  static Response result(Service& service, Request& /*request*/, const std::string& id) {
    return service.jobs_.result(id);
  }
  static Response live(Service& /*service*/, Request& /*request*/, const std::string& /*id*/) {
    Response response = problem(426, "expected a WebSocket's handshake");
    response.headers.emplace_back("Upgrade", "websocket");
    return response;
  }

 private:
  static AudioContainer container_of(const Request& request) {
    const auto given = request.query.find("format");
    if (given == request.query.end() || given->second == "wav") return AudioContainer::kWav;
    if (given->second != "flac")
      throw Problem(400, fmt::format("format: \"{}\" is not one of wav, flac", given->second));
    return AudioContainer::kFlac;
  }

  [[noreturn]] static void refuse_size(uint64_t most) {
    throw Problem(
        413, fmt::format("the recording is larger than {} bytes, which are the most that are taken", most));
  }

  static std::unique_ptr<TemporaryFile> received(Request& request, const Jobs::Place& place, uint64_t most) {
    try {
      std::unique_ptr<TemporaryFile> file = place.file();
      std::vector<std::byte> part(size_t{256} << 10);
      for (size_t count = part.size(); count == part.size();) {
        count = request.read_body(part);
        if (file->size() + count > most) refuse_size(most);
        file->append(std::span(part).first(count));
      }
      return file;
    } catch (const Error& error) {
      throw Problem(500, cannot_keep("the recording", error));
    }
  }
};

namespace {

using Handler = Response (*)(Service& service, Request& request, const std::string& id);
struct HandledRoute {
  Route route;
  Handler handler;
};
constexpr std::array<HandledRoute, 8> kRoutes = {{{{"GET", "/api/status"}, Handlers::status},
                                                  {{"GET", "/api/voices"}, Handlers::voices},
                                                  {{"GET", "/api/conversions"}, Handlers::list},
                                                  {{"POST", "/api/conversions"}, Handlers::add},
                                                  {{"GET", "/api/conversions/{id}"}, Handlers::find},
                                                  {{"DELETE", "/api/conversions/{id}"}, Handlers::remove},
                                                  {{"GET", "/api/conversions/{id}/result"}, Handlers::result},
                                                  {{"GET", "/api/live"}, Handlers::live}}};

/// What stands for {id}, "" in a path without; nothing where a path is none of the route's.
std::optional<std::string> match(std::string_view route, std::string_view path) {
  constexpr std::string_view kId = "{id}";
  const size_t at = route.find(kId);
  if (at == std::string_view::npos) return route == path ? std::optional<std::string>("") : std::nullopt;
  const std::string_view before = route.substr(0, at);
  const std::string_view after = route.substr(at + kId.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return std::nullopt;
  const std::string_view id = path.substr(at, path.size() - before.size() - after.size());
  if (id.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(id);
}

std::string_view type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTypes = {
      {{".html", "text/html; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"},
       {".svg", "image/svg+xml"},
       {".json", "application/json"}}};
  for (const auto& [ending, type] : kTypes)
    if (name.ends_with(ending)) return type;
  return "application/octet-stream";
}

/// Scripts, styles and sounds of this server's own alone; in no other page's frame.
const std::vector<std::pair<std::string, std::string>> kPageHeaders = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src blob:; "
     "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Permissions-Policy", "microphone=(self), camera=(), geolocation=()"},
    {"X-Frame-Options", "DENY"},
    {"Cache-Control", "no-cache"}};

/// The page's file at a path, one of those that were built in.
const PageFile* page_file(std::string_view path) {
  const std::string_view name = path == "/" ? "index.html" : path.substr(1);
  const auto files = page_files();
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const PageFile& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

bool is_of_api(std::string_view path) {
  return path.starts_with("/api/");
}

/// `allowed`: "GET, POST". The server answers a HEAD as it does a GET.
Response no_method(std::string allowed) {
  if (allowed.starts_with("GET")) allowed.insert(3, ", HEAD");
  Response response = problem(405, "this address takes " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Response answer_page(const Request& request) {
  const PageFile* const file = page_file(request.path);
  if (file == nullptr) return problem(404, "there is nothing at this address: see /openapi.json");
  if (request.method != "GET") return no_method("GET");
  return {
      .type = std::string(type_of(file->name)), .body = std::string(file->content), .headers = kPageHeaders};
}

Response answer_api(Service& service, Request& request) {
  std::string allowed;
  for (const HandledRoute& handled : kRoutes) {
    const std::optional<std::string> id = match(handled.route.path, request.path);
    if (!id) continue;
    if (handled.route.method == request.method) return handled.handler(service, request, *id);
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", handled.route.method);
  }
  if (allowed.empty()) return problem(404, "there is nothing at this address: see /openapi.json");
  return no_method(allowed);
}

/// For pages of other sites nothing of any answer, and nobody is told where it came from.
Response guarded(Response response) {
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

}  // namespace

std::vector<Route> api_routes() {
  std::vector<Route> routes;
  routes.reserve(kRoutes.size());
  for (const HandledRoute& handled : kRoutes) routes.push_back(handled.route);
  return routes;
}

Service::Service(const Access& access, Studio& studio, Jobs& jobs, const VoiceArguments& arguments)
    : access_(access), studio_(studio), jobs_(jobs), arguments_(arguments) {}

Response Service::answer(Request& request) {
  const bool is_api = is_of_api(request.path);
  if (std::optional<Response> refusal = access_.refuse(request, is_api)) return guarded(std::move(*refusal));
  try {
    return guarded(is_api ? answer_api(*this, request) : answer_page(request));
  } catch (const Disconnected&) {
    throw;
  } catch (const Problem& error) {
    return guarded(problem(error.status(), error.what()));
  } catch (const std::exception& error) {  // a full disk
    error_line(error.what());
    return guarded(problem(500, error.what()));
  }
}

std::optional<Response> Service::refuse_channel(const Request& request) {
  if (std::optional<Response> refusal = access_.refuse(request, true)) return guarded(std::move(*refusal));
  if (request.path != "/api/live")
    return guarded(problem(404, "there is no WebSocket at this address, but /api/live"));
  return std::nullopt;
}

void Service::talk(Channel& channel) {
  struct Count {
    std::atomic<int>& streams;
    int before;
    explicit Count(std::atomic<int>& all) : streams(all), before(all++) {}
    ~Count() { --streams; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
  };
  const Count count(streams_);
  if (count.before < kMostStreams) return run_live_session(channel, studio_, arguments_);
  const Json busy = {{"type", "error"},
                     {"error", fmt::format("{} streams are open already: close one first", kMostStreams)}};
  channel.write(json_line(busy));
}

}  // namespace contentvec::cli::serve
