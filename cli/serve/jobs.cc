#include "cli/serve/jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <span>
#include <utility>

#include "cli/fail.h"
#include "cli/serve/access.h"

namespace contentvec::cli::serve {
namespace {

/// Ends a conversion that nobody wants any more.
class BrokenOff : public std::exception {};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

Jobs::Jobs(Studio& studio, const VoiceArguments& arguments, const JobLimits& limits)
    : studio_(studio), arguments_(arguments), limits_(limits), worker_([this] { work(); }) {}

Jobs::~Jobs() {
  {
    const std::scoped_lock lock(mutex_);
    is_over_ = true;
    for (const JobHandle& job : jobs_) job->is_unwanted = true;
  }
  changed_.notify_all();
  worker_.join();
}

Jobs::Place::Place(Jobs& jobs) : jobs_(jobs) {
  const std::scoped_lock lock(jobs_.mutex_);
  if (jobs_.unfinished() + jobs_.arriving_ >= kMostWaiting)
    throw Problem(503, fmt::format("{} conversions are waiting already: ask again later", kMostWaiting));
  ++jobs_.arriving_;
}

Jobs::Place::~Place() {
  const std::scoped_lock lock(jobs_.mutex_);
  --jobs_.arriving_;
}

std::unique_ptr<TemporaryFile> Jobs::Place::file() const {
  return std::make_unique<TemporaryFile>(jobs_.folder_.path());
}

Json Jobs::add(const Place& /*place*/, const Settings& settings, AudioContainer container,
               std::unique_ptr<TemporaryFile> recording) {
  auto job = std::make_shared<Job>();
  job->id = new_token();
  job->settings = settings;
  job->container = container;
  job->recording = std::move(recording);
  const std::scoped_lock lock(mutex_);
  jobs_.push_back(job);
  forget_old();
  changed_.notify_all();
  return json_of_job(*job);
}

Json Jobs::list() const {
  const std::scoped_lock lock(mutex_);
  Json list = Json::array();
  for (const JobHandle& job : jobs_) list.push_back(json_of_job(*job));
  return list;
}

Json Jobs::find(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  return json_of_job(*at(id));
}

Response Jobs::result(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const JobHandle& job = at(id);
  if (!job->result) throw Problem(409, "this conversion has no result: ask for its status");
  const bool is_wav = job->container == AudioContainer::kWav;
  return {.type = is_wav ? "audio/wav" : "audio/flac",
          .file = job->result,
          .headers = {{"Content-Disposition",
                       fmt::format("attachment; filename=\"converted.{}\"", is_wav ? "wav" : "flac")},
                      {"Cache-Control", "no-store"}}};
}

void Jobs::remove(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  at(id)->is_unwanted = true;
  std::erase_if(jobs_, [&](const JobHandle& job) { return job->id == id; });
}

const Jobs::JobHandle& Jobs::at(const std::string& id) const {
  const auto found =
      std::find_if(jobs_.begin(), jobs_.end(), [&](const JobHandle& job) { return job->id == id; });
  if (found == jobs_.end()) throw Problem(404, "there is no such conversion, or not any more");
  return *found;
}

size_t Jobs::unfinished() const {
  return static_cast<size_t>(std::count_if(jobs_.begin(), jobs_.end(), [](const JobHandle& job) {
    return job->state == State::kWaiting || job->state == State::kConverting;
  }));
}

void Jobs::forget_old() {
  const auto is_ended = [](const JobHandle& job) {
    return job->state == State::kDone || job->state == State::kFailed;
  };
  const auto bytes = [&] {
    uint64_t sum = 0;
    for (const JobHandle& job : jobs_) sum += job->result ? job->result->size() : 0;
    return sum;
  };
  while (jobs_.size() > kMostKept || bytes() > kMostKeptBytes) {
    const auto oldest = std::find_if(jobs_.begin(), jobs_.end(), is_ended);
    if (oldest == jobs_.end() || *oldest == jobs_.back()) return;
    jobs_.erase(oldest);
  }
}

Json Jobs::json_of_job(const Job& job) {
  constexpr std::array kNames = {"waiting", "converting", "done", "failed"};
  Json json = {{"id", job.id},
               {"status", kNames.at(static_cast<size_t>(job.state))},
               {"progress", job.progress},
               {"settings", json_of(job.settings)},
               {"format", job.container == AudioContainer::kWav ? "wav" : "flac"},
               {"warnings", job.warnings}};
  json["error"] = job.error.empty() ? Json() : Json(job.error);
  json["result"] = nullptr;
  if (job.result)
    json["result"] = {{"bytes", job.result->size()},
                      {"sample_rate", job.rate},
                      {"seconds", job.seconds},
                      {"took_seconds", job.took}};
  return json;
}

void Jobs::work() {
  std::unique_lock lock(mutex_);
  while (!is_over_) {
    const auto next = std::find_if(jobs_.begin(), jobs_.end(),
                                   [](const JobHandle& job) { return job->state == State::kWaiting; });
    if (next == jobs_.end()) {
      changed_.wait(lock);
      continue;
    }
    JobHandle job;  // of its own: the list changes while it is converted
    job = *next;
    job->state = State::kConverting;
    lock.unlock();
    carry_out(job);
    lock.lock();
    forget_old();
  }
}

/// Whatever happens to one, others follow.
void Jobs::carry_out(const JobHandle& job) {
  std::string why;
  try {
    convert(job);
    return;
  } catch (const BrokenOff&) {
    why = "it was broken off";
  } catch (const std::bad_alloc&) {
    why = "there is not enough memory";
  } catch (const std::exception& error) {
    why = error.what();
  }
  const std::scoped_lock lock(mutex_);
  job->state = State::kFailed;
  job->error = why;
  job->recording.reset();
}

void Jobs::convert(const JobHandle& job) {
  const auto begin = std::chrono::steady_clock::now();
  Audio audio = read_audio(TemporaryFile::View(*job->recording).bytes(), "the recording",
                           {.max_seconds = limits_.seconds});
  {
    const std::scoped_lock lock(mutex_);
    job->recording.reset();
    job->warnings = audio.warnings;
  }
  Parts parts = studio_.parts(job->settings);
  const Converter converter(std::move(parts.model), std::move(parts.pitch), std::move(parts.voice),
                            std::move(parts.retriever));
  ConvertOptions options = convert_options(job->settings, arguments_);
  options.progress = [&](double done) {
    if (job->is_unwanted) throw BrokenOff();
    const std::scoped_lock lock(mutex_);
    job->progress = done;
  };
  const Converted converted = converter.convert(audio.waveform, kSampleRate, options);
  std::shared_ptr<const TemporaryFile> result = written(*job, converted);
  const std::scoped_lock lock(mutex_);
  job->settings.seed = static_cast<double>(options.seed);
  job->result = std::move(result);
  job->rate = converted.sample_rate;
  job->seconds = static_cast<double>(converted.waveform.size()) / converted.sample_rate;
  job->took = seconds_since(begin);
  job->progress = 1;
  job->state = State::kDone;
}

std::shared_ptr<const TemporaryFile> Jobs::written(const Job& job, const Converted& converted) const {
  const std::filesystem::path path = folder_.path() / job.id;
  const std::span<const float> mono = converted.waveform;
  try {
    write_audio(path, std::span(&mono, 1), converted.sample_rate, {.container = job.container});
    return TemporaryFile::adopt(path);
  } catch (const Error& error) {
    fail("{}", cannot_keep("the result", error));
  }
}

}  // namespace contentvec::cli::serve
