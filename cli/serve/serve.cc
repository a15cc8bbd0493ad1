#include "cli/serve/serve.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/fail.h"
#include "cli/folder.h"
#include "cli/serve/access.h"
#include "cli/serve/jobs.h"
#include "cli/serve/routes.h"
#include "cli/serve/server.h"
#include "cli/serve/studio.h"
#include "cli/serve/url.h"
#include "cli/signals.h"
#include "cli/voice_parts.h"

namespace contentvec::cli {
namespace {

struct ServeArguments : VoiceArguments {
  std::string folder;
  std::vector<std::string> voices;
  std::string host = "127.0.0.1";
  int port = 8765;
  std::vector<std::string> allowed_hosts;
  double max_minutes = 60;
  double max_megabytes = 256;
};

std::string folder_of(const ServeArguments& arguments) {
  if (arguments.folder.empty()) return arguments.voices.empty() ? "." : "";
  if (!is_a_directory(arguments.folder))
    throw UsageError(fmt::format("--voices {}: there is no such folder", shown(arguments.folder)));
  return arguments.folder;
}

std::vector<serve::OfferedVoice> voices_of(const ServeArguments& arguments) {
  const std::string folder = folder_of(arguments);
  std::vector<serve::OfferedVoice> voices = serve::offered_voices(folder, arguments.voices, arguments);
  if (voices.empty())
    fail("there are no voices below {}: give --voices DIR or --voice FILE",
         folder == "." ? "this folder" : shown(folder));
  return voices;
}

std::string address_of(const ServeArguments& arguments) {
  const std::string address = arguments.host == "localhost" ? "127.0.0.1" : arguments.host;
  if (!serve::is_address(address))
    throw UsageError(fmt::format("--host {}: expected an address in digits, such as 127.0.0.1 or 0.0.0.0",
                                 shown(arguments.host)));
  return address;
}

/// From the environment, where no other user of the machine reads it; else, where others may come, a new one.
std::string token_for(const std::string& address) {
  const char* const given = std::getenv("CONTENTVEC_SERVE_TOKEN");
  const std::string token = given == nullptr ? "" : given;
  if (!token.empty() && !serve::is_token(token))
    throw UsageError(
        "CONTENTVEC_SERVE_TOKEN: expected at least 16 letters, digits, dashes and underscores, and nothing else");
  return token.empty() && !serve::is_loopback(address) ? serve::new_token() : token;
}

/// Where the page is, as a browser on this machine opens it; what is behind # stays in the browser.
std::string page_address(const std::string& address, int port, const std::string& token) {
  const bool is_v6 = address.find(':') != std::string::npos;
  const std::string host = serve::is_unspecified(address) ? "localhost"
                           : is_v6                        ? fmt::format("[{}]", address)
                                                          : address;
  return fmt::format("http://{}:{}/{}{}", host, port, token.empty() ? "" : "#token=", token);
}

void warn_of_others(const std::string& address) {
  if (serve::is_unspecified(address))
    note_line(
        fmt::format("contentvec: note: it listens on all interfaces ({}): others put this machine's name or "
                    "address in place of localhost",
                    address));
  if (!serve::is_loopback(address))
    warning_line(
        "others on this network reach this page, and what they send is not encrypted; who has the token may "
        "convert");
}

int run(const ServeArguments& arguments) {
  const std::string address = address_of(arguments);
  const std::string token = token_for(address);
  const serve::Access access(arguments.allowed_hosts, token);
  serve::Studio studio(voices_of(arguments), arguments);
  serve::Jobs jobs(studio, arguments,
                   {.upload_bytes = static_cast<uint64_t>(arguments.max_megabytes * 1e6),
                    .seconds = arguments.max_minutes * 60});
  serve::Service service(access, studio, jobs, arguments);
  serve::Server server(address, arguments.port, service);
  stop_on_signals();
  print_or_throw(page_address(address, server.port(), token));
  warn_of_others(address);
  note_line(fmt::format("contentvec: open this address in a browser; Ctrl-C ends it. Voices: {}",
                        studio.voices().size()));
  server.run(asked_to_stop);
  note_line("contentvec: stopped");
  return kDone;
}

void add_place(Options& options, ServeArguments& a) {
  options.add(
      "--voices", a.folder,
      "Offer the voices below this folder, as `contentvec voices` lists them (default: the current folder's, "
      "where there is no --voice)",
      "DIR");
  options.add("--voice", a.voices, "Offer a voice, as convert takes it; may be given several times", "FILE");
  options.add("--port", a.port, "The port (default: 8765; 0: any that is free)", "N")
      ->check(number_in(0, 65535));
  options.add(
      "--host", a.host,
      "The address to listen at (default: 127.0.0.1, which this machine alone reaches). For any other a token "
      "is asked for: CONTENTVEC_SERVE_TOKEN's, else a new one",
      "ADDR");
  options.add(
      "--allow-host", a.allowed_hosts,
      "Also answer requests for this name, as a proxy in front of this has it; may be given several times",
      "NAME");
  options.add("--max-minutes", a.max_minutes, "The longest recording that is taken (default: 60)", "MIN")
      ->check(number_in(0.1, 1440.0));
  options.add("--max-megabytes", a.max_megabytes, "The largest file that is taken (default: 256)", "MB")
      ->check(number_in(0.001, 16384.0));
}

}  // namespace

Command add_serve(CLI::App& app) {
  CLI::App* parser = app.add_subcommand(
      "serve", "Offer conversion, of recordings and live, as a page in the browser and an HTTP API");
  const auto a = std::make_shared<ServeArguments>();
  Options options(*parser);
  add_place(options, *a);
  add_voice_parts(options, *a);
  add_pitch(options, *a);
  add_retrieval(options, *a, "0.33; live 0.5");
  add_sound(options, *a, 12);
  add_speed(options, *a);
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
