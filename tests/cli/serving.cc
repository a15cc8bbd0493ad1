#include "cli/serving.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/files.h"
#include "small_index.h"

namespace contentvec::test {

namespace fs = std::filesystem;
using nlohmann::json;

Serving::Serving(const std::vector<std::string>& more, const std::string& token) {
  fs::create_directories(folder_ / "voices/deep");
  fs::create_directories(temporary());
  const std::string config = rvc_synthetic("tiny-v2-48k");
  (void)run({"blend", config + ":1", config + ":2", folder_ / "voices/deep/ada.safetensors"});
  write_file(folder_ / "voices/bob.safetensors", text_of(folder_ / "voices/deep/ada.safetensors"));
  if (has_faiss())
    fs::copy_file(small_index(), folder_ / "voices/deep/added_IVF1_Flat_nprobe_1_ada_v2.index");
  write_file(folder_ / "voices/none.pth", std::string("no voice"));
  std::vector<std::string> arguments = {"serve",
                                        "--voices",
                                        "voices",
                                        "--voice",
                                        config,
                                        "--port",
                                        "0",
                                        "--pitch-model",
                                        rvc_synthetic("tiny-rmvpe"),
                                        "--model",
                                        rvc_synthetic("pipeline-hubert-v2")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  setenv("HF_HUB_OFFLINE", "1", 1);
  setenv("TMPDIR", temporary().c_str(), 1);
  if (!token.empty()) setenv("CONTENTVEC_SERVE_TOKEN", token.c_str(), 1);
  process_.emplace(arguments, Surroundings{.folder = folder_.path(), .output = folder_ / "out"});
  for (const char* name : {"HF_HUB_OFFLINE", "TMPDIR", "CONTENTVEC_SERVE_TOKEN"}) unsetenv(name);
  wait_for_port();
}

std::string Serving::address() const {
  return text_of(folder_ / "out");
}

std::vector<fs::path> Serving::folders() const {
  std::vector<fs::path> own;
  for (const std::string& name : names_in(temporary()))
    if (name.starts_with("contentvec-serve-")) own.push_back(temporary() / name);
  return own;
}

Answer Serving::get(const std::string& target, const std::vector<std::string>& headers) const {
  return ask(port_, "GET", target, headers);
}

Answer Serving::convert(const std::string& query, const std::string& recording) const {
  return ask(port_, "POST", "/api/conversions?" + query, {}, recording);
}

json Serving::ended(const Answer& added) const {
  EXPECT_EQ(added.status, 202) << added.body;
  for (int tries = 0; tries < 3000; ++tries) {
    json job = get(added.headers.at("location")).json();
    if (job.at("status") == "done" || job.at("status") == "failed") return job;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {};
}

void Serving::wait_for_port() {
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

}  // namespace contentvec::test
