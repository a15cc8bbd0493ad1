#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "cli/plan.h"
#include "cli/report.h"
#include "contentvec/feature_file.h"
#include "contentvec/model.h"

namespace contentvec::cli {

/// What there is to tell of an input: some frames of its features, the last piece saying so; or that there
/// will be none.
struct PieceResult {
  const Job* job = nullptr;
  int64_t all_frames = 0;             ///< of the whole recording
  int64_t first_frame = 0;            ///< of this piece
  std::vector<Features> stages = {};  ///< frames of this piece, for every stage
  double audio_seconds = 0;           ///< of the whole recording
  double seconds = 0;                 ///< of work on this piece
  bool last = false;
  bool skipped = false;
  std::vector<std::string> warnings = {};  ///< about the audio; with the last piece
  std::string problem = {};
};

/// Writes features on a thread of its own, in the order they come, and reports. Holds back whoever brings
/// more while much is waiting, so that memory is bounded.
class Writing {
 public:
  struct Options {
    FeatureFormat format = FeatureFormat::kNpy;
    bool all_layers = false;
    int repeat = 1;                                    ///< times every frame is written
    std::map<std::string, std::string> metadata = {};  ///< of a safetensors file
  };
  /// Nobody else may use `report` until finish() has returned.
  Writing(Options options, Report& report);
  /// Drops what has not been written.
  ~Writing();
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

  /// The pieces of an input come one after the other.
  void push(PieceResult piece);
  /// Returns when everything is written.
  void finish();

 private:
  /// The file that is being written.
  struct Output {
    std::unique_ptr<FeatureWriter> file;
    double seconds = 0;
    bool failed = false;  ///< and reported
  };
  void write_pieces();
  void take(PieceResult& piece);
  void write(PieceResult& piece);
  [[nodiscard]] std::unique_ptr<FeatureWriter> begin_file(const PieceResult& piece) const;

  Options options_;
  Report& report_;
  Output output_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<PieceResult> pieces_;
  size_t waiting_ = 0;    ///< values in pieces_
  bool closed_ = false;   ///< no more pieces will come
  bool dropped_ = false;  ///< those that are there are not wanted
  std::thread thread_;
};

}  // namespace contentvec::cli
