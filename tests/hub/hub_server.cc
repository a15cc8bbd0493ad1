#include "hub/hub_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "contentvec/error.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void point_environment_to(const std::string& endpoint, const fs::path& cache) {
  for (const char* name :
       {"HF_HOME", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
        "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN",
        "SSL_CERT_FILE", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
        "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"})
    unsetenv(name);
  setenv("HOME", (cache / "home").c_str(), 1);
  setenv("HF_HUB_CACHE", cache.c_str(), 1);
  setenv("HF_ENDPOINT", endpoint.c_str(), 1);
}

/// No other child keeps it open.
void make_pipe(std::array<int, 2>& ends) {
  if (pipe(ends.data()) != 0) throw Error("cannot make a pipe");
  for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
}

/// In the child: becomes the server.
[[noreturn]] void become(const std::string& folder, const std::string& certificate, int input, int output) {
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  const std::string script = std::string(CONTENTVEC_SOURCE_DIR) + "/tests/hub/server.py";
  if (certificate.empty()) {
    execlp("python3", "python3", script.c_str(), folder.c_str(), nullptr);
  } else {
    execlp("python3", "python3", script.c_str(), folder.c_str(), "--tls", certificate.c_str(), nullptr);
  }
  _exit(127);
}

std::string first_line_of(int descriptor) {
  std::string line;
  for (char c = 0; ::read(descriptor, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

HubServer::HubServer(const fs::path& certificate) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  make_pipe(input);
  make_pipe(output);
  process_ = fork();
  if (process_ < 0) throw Error("cannot start a process");
  if (process_ == 0) become(folder_.path(), certificate, input[0], output[1]);
  close(input[0]);
  close(output[1]);
  input_ = input[1];
  const std::string line = first_line_of(output[0]);
  close(output[0]);
  if (line.empty()) throw Error("tests/hub/server.py did not start; is there a python3?");
  endpoint_ = (certificate.empty() ? "http" : "https") + std::string("://127.0.0.1:") +
              std::to_string(json::parse(line)["hub"].get<int>());
  point_environment_to(endpoint_, cache());
}

HubServer::~HubServer() {
  stop();
}

void HubServer::stop() {
  if (process_ < 0) return;
  close(input_);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

fs::path HubServer::cached(const std::string& repo) const {
  std::string name = repo;
  name.replace(name.find('/'), 1, "--");
  return cache() / ("models--" + name);
}

void HubServer::publish(const std::string& repo, const std::string& file, const std::string& content,
                        const std::string& commit) {
  const fs::path path = folder_ / repo / commit / file;
  fs::create_directories(path.parent_path());
  write_file(path, content);
  write_file(folder_ / repo / "refs.json", json({{"main", commit}, {"feature/one", commit}}).dump());
}

void HubServer::set_token(const std::string& repo, const std::string& token) {
  write_file(folder_ / repo / "token", token);
}

void HubServer::set_faults(const json& faults) {
  write_file(folder_ / "faults.new", faults.dump());
  fs::rename(folder_ / "faults.new", folder_ / "faults.json");
}

std::vector<json> HubServer::requests() const {
  std::vector<json> requests;
  std::ifstream in(folder_ / "requests.jsonl");
  for (std::string line; std::getline(in, line);) requests.push_back(json::parse(line));
  return requests;
}

int HubServer::count(const std::string& method, const std::string& server) const {
  const std::vector<json> all = requests();
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const json& request) {
    return request["method"] == method && request["server"] == server;
  }));
}

}  // namespace contentvec::test
