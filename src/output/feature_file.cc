#include "output/feature_file.h"

#include "runtime/fail.h"

namespace contentvec::output {

FeatureFile::FeatureFile(const std::filesystem::path& path, const std::string& start, int64_t arrays,
                         int64_t frames, int64_t dim)
    : path_(path),
      start_(static_cast<int64_t>(start.size())),
      frames_(frames),
      dim_(dim),
      missing_(arrays * frames * dim),
      file_(path) {
  file_.write(std::as_bytes(std::span(start)));
}

void FeatureFile::write(int64_t array, int64_t first_frame, std::span<const float> rows) {
  const auto count = static_cast<int64_t>(rows.size());
  if (first_frame < 0 || count % dim_ != 0 || first_frame + count / dim_ > frames_ || count > missing_) {
    fail("cannot write '{}': {} values from frame {} on are no whole frames of {} by {}", path_.string(),
         count, first_frame, frames_, dim_);
  }
  const int64_t value = (array * frames_ + first_frame) * dim_;
  file_.write_at(start_ + value * static_cast<int64_t>(sizeof(float)), std::as_bytes(rows));
  missing_ -= count;
}

void FeatureFile::commit() {
  if (missing_ != 0) fail("cannot write '{}': {} values of it are missing", path_.string(), missing_);
  file_.commit();
}

}  // namespace contentvec::output
