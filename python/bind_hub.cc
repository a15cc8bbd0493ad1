#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"

namespace contentvec::python {
namespace {

using Progress = std::function<void(const DownloadProgress&)>;

/// What runs during a download: Python's signal handlers, and the caller's `progress` (may be empty) where
/// there is news: another file, the end of one, or the tenth of a second that has passed. Each asks for the
/// interpreter.
class DownloadPoll {
 public:
  explicit DownloadPoll(Progress progress) : progress_(std::move(progress)) {}

  void operator()(const DownloadProgress& now) {
    signals_();
    if (!progress_ || !is_news(now)) return;
    told_ = now;
    last_ = std::chrono::steady_clock::now();
    const Interpreter interpreter;
    progress_(now);
  }

 private:
  [[nodiscard]] bool is_news(const DownloadProgress& now) const {
    return now.file != told_.file || now.waiting != told_.waiting || now.total != told_.total ||
           now.done == now.total ||
           std::chrono::steady_clock::now() - last_ >= std::chrono::milliseconds(100);
  }

  SignalPoll signals_;
  Progress progress_;
  DownloadProgress told_;
  std::chrono::steady_clock::time_point last_;
};

HubOptions hub_options(const std::optional<std::string>& revision,
                       const std::optional<std::string>& cache_dir, const std::optional<std::string>& token,
                       bool local_files_only, Progress progress) {
  return {.revision = revision.value_or(""),
          .cache_dir = cache_dir.value_or(""),
          .token = token,
          .local_files_only = local_files_only,
          .progress = DownloadPoll(std::move(progress))};
}

std::pair<std::string, std::vector<std::string>> resolve_model(const std::string& spec,
                                                               const HubOptions& hub) {
  const OthersRun others_run;
  ResolvedModel found = resolve(spec, hub);
  return {found.path.string(), std::move(found.warnings)};
}

}  // namespace

void bind_hub(nb::module_& m) {
  nb::class_<DownloadProgress>(m, "DownloadProgress", "How far the download of one file is.")
      .def_ro("repo", &DownloadProgress::repo, "\"org/repo\".")
      .def_ro("file", &DownloadProgress::file,
              "Its name in the repository; empty while the hub is asked for all.")
      .def_ro("done", &DownloadProgress::done, "Bytes on the disk, those of an earlier attempt included.")
      .def_ro("total", &DownloadProgress::total, "Bytes; -1 where the hub does not say, or has not yet.")
      .def_ro("waiting", &DownloadProgress::waiting,
              "Whether another process downloads it, which is waited for.");
  nb::class_<HubOptions>(m, "HubOptions", "Where models named after the Hugging Face hub come from.")
      .def(nb::new_(&hub_options), "revision"_a.none(), "cache_dir"_a.none(), "token"_a.none(),
           "local_files_only"_a, "progress"_a.none());
  m.def("resolve", &resolve_model, "spec"_a, "hub"_a,
        "The path of a model on this machine, downloaded if need be; and warnings. Lets other Python threads "
        "run.");
}

}  // namespace contentvec::python
