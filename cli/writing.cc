#include "cli/writing.h"

#include <fmt/format.h>

#include <chrono>
#include <new>
#include <system_error>
#include <utility>

#include "cli/fail.h"

namespace contentvec::cli {
namespace {

/// Bytes that may wait to be written before the next part has to wait.
constexpr size_t kMostWaiting = size_t{32} << 20;

}  // namespace

Writing::Writing(Report& report) : report_(report) {
  try {
    thread_ = std::thread([this] { write_parts(); });
  } catch (const std::system_error& error) {
    fail("cannot start a thread to write with: {}", error.what());
  }
}

Writing::~Writing() {
  {
    const std::lock_guard lock(mutex_);
    dropped_ = true;
  }
  finish();
}

void Writing::push(Part part) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_ <= kMostWaiting; });
  waiting_ += part.bytes;
  parts_.push(std::move(part));
  changed_.notify_all();
}

void Writing::finish() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Writing::write_parts() {
  for (;;) {
    Part part;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !parts_.empty(); });
      if (dropped_ || parts_.empty()) return;
      part = std::move(parts_.front());
      parts_.pop();
      waiting_ -= part.bytes;
    }
    changed_.notify_all();
    take(part);
  }
}

/// One output failing leaves the others to be written.
void Writing::take(Part& part) {
  if (part.skipped) {
    report_.skipped(*part.job);
  } else if (!failed_) {
    try {
      if (!part.problem.empty()) fail("{}", part.problem);
      write(part);
    } catch (const std::bad_alloc&) {
      failed_ = true;
      report_.failed(*part.job, "out of memory while its output was written");
    } catch (const std::exception& error) {
      failed_ = true;
      report_.failed(*part.job, error.what());
    }
  }
  if (!part.last) return;
  failed_ = false;
  seconds_ = 0;
}

void Writing::write(Part& part) {
  const auto start = std::chrono::steady_clock::now();
  Outcome outcome = part.write();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  seconds_ += part.seconds + taken.count();
  report_.advanced(part.audio_seconds, part.share);
  if (!part.last) return;
  report_.done(*part.job, {.outcome = std::move(outcome),
                           .audio_seconds = part.audio_seconds,
                           .seconds = seconds_,
                           .warnings = std::move(part.warnings)});
}

}  // namespace contentvec::cli
