#include "cli/writing.h"

#include <fmt/format.h>

#include <chrono>
#include <new>
#include <system_error>
#include <utility>

#include "cli/fail.h"

namespace contentvec::cli {
namespace {

/// Values that may wait to be written before the next piece has to wait (32 MB).
constexpr size_t kMostWaiting = size_t{8} << 20;

size_t values_of(const PieceResult& piece) {
  size_t values = 0;
  for (const Features& stage : piece.stages) values += stage.data.size();
  return values;
}

/// Every frame `times` times: RVC's decoder works at 100 frames a second.
std::vector<float> repeated(const Features& features, int times) {
  std::vector<float> rows;
  rows.reserve(features.data.size() * static_cast<size_t>(times));
  for (int64_t frame = 0; frame < features.frames; ++frame) {
    const auto row = features.row(frame);
    for (int i = 0; i < times; ++i) rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

}  // namespace

Writing::Writing(Options options, Report& report) : options_(std::move(options)), report_(report) {
  try {
    thread_ = std::thread([this] { write_pieces(); });
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

void Writing::push(PieceResult piece) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_ <= kMostWaiting; });
  waiting_ += values_of(piece);
  pieces_.push(std::move(piece));
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

void Writing::write_pieces() {
  for (;;) {
    PieceResult piece;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !pieces_.empty(); });
      if (dropped_ || pieces_.empty()) return;
      piece = std::move(pieces_.front());
      pieces_.pop();
      waiting_ -= values_of(piece);
    }
    changed_.notify_all();
    take(piece);
  }
}

/// One output failing leaves the others to be written.
void Writing::take(PieceResult& piece) {
  if (piece.skipped) {
    report_.skipped(*piece.job);
  } else if (!output_.failed) {
    try {
      if (!piece.problem.empty()) fail("{}", piece.problem);
      write(piece);
    } catch (const std::bad_alloc&) {
      output_.failed = true;
      report_.failed(*piece.job, "out of memory while its features were written");
    } catch (const std::exception& error) {
      output_.failed = true;
      output_.file.reset();  // first, so that nothing is open while something is printed
      report_.failed(*piece.job, error.what());
    }
  }
  if (piece.last) output_ = {};
}

void Writing::write(PieceResult& piece) {
  const auto start = std::chrono::steady_clock::now();
  const int64_t dim = piece.stages.front().dim;
  const double share =
      static_cast<double>(piece.stages.front().frames) / static_cast<double>(piece.all_frames);
  if (!output_.file) output_.file = begin_file(piece);
  for (size_t stage = 0; stage < piece.stages.size(); ++stage) {
    Features& features = piece.stages[stage];
    if (options_.repeat > 1) features.data = repeated(features, options_.repeat);
    output_.file->write(piece.first_frame * options_.repeat, features.data, static_cast<int64_t>(stage) + 1);
  }
  if (piece.last) output_.file->commit();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  output_.seconds += piece.seconds + taken.count();
  if (piece.last) output_.file.reset();
  report_.advanced(piece.audio_seconds * share);
  if (!piece.last) return;
  report_.done(*piece.job, {.layers = options_.all_layers ? static_cast<int64_t>(piece.stages.size()) : 0,
                            .frames = piece.all_frames * options_.repeat,
                            .dim = dim,
                            .audio_seconds = piece.audio_seconds,
                            .seconds = output_.seconds,
                            .warnings = std::move(piece.warnings)});
}

std::unique_ptr<FeatureWriter> Writing::begin_file(const PieceResult& piece) const {
  const FeatureFileOptions options = {
      .format = options_.format,
      .layers = options_.all_layers ? static_cast<int64_t>(piece.stages.size()) : 0,
      .metadata = options_.metadata};
  return std::make_unique<FeatureWriter>(piece.job->output, piece.all_frames * options_.repeat,
                                         piece.stages.front().dim, options);
}

}  // namespace contentvec::cli
