#include "contentvec/feature_file.h"

#include <algorithm>
#include <array>

#include "output/atomic_file.h"
#include "output/npy.h"
#include "output/safetensors.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;

FeatureFormat format_of(const fs::path& path, const FeatureFileOptions& options) {
  if (options.format) return *options.format;
  if (path.extension() == ".npy") return FeatureFormat::kNpy;
  if (path.extension() == ".safetensors") return FeatureFormat::kSafetensors;
  fail("cannot write '{}': expected a name that ends in .npy or .safetensors; or give the format",
       path.string());
}

/// Throws Error for sizes out of range, and where a position in the file would be beyond 63 bits.
void check_sizes(const fs::path& path, int64_t layers, int64_t frames, int64_t dim) {
  constexpr int64_t kMostLayers = 1 << 16;
  bool good = layers >= 0 && layers <= kMostLayers && frames >= 0 && dim >= 1;
  int64_t bytes = 2 * sizeof(float);  // the header, and more, has room in the other half
  for (const int64_t size : {std::max<int64_t>(layers, 1), frames, dim})
    good = good && !__builtin_mul_overflow(bytes, size, &bytes);
  if (!good) {
    fail(
        "cannot write '{}': {} layers of {} frames by {} are no size of a file; expected 0 to {} layers, 0 "
        "frames or more, and at least 1 value in each",
        path.string(), layers, frames, dim, kMostLayers);
  }
}

/// What the file begins with; its values follow.
std::string start_of(FeatureFormat format, int64_t frames, int64_t dim, const FeatureFileOptions& options) {
  const int64_t layers = options.layers;
  if (format == FeatureFormat::kNpy) {
    return layers > 0 ? output::start_of_npy(std::array{layers, frames, dim})
                      : output::start_of_npy(std::array{frames, dim});
  }
  if (layers == 0) {
    const std::array features = {output::NamedTensor{"features", "F32", {frames, dim}, {}}};
    return output::start_of_safetensors(features, options.metadata);
  }
  std::vector<output::NamedTensor> tensors;
  tensors.reserve(static_cast<size_t>(layers));
  for (int64_t layer = 1; layer <= layers; ++layer)
    tensors.push_back({fmt::format("layer_{}", layer), "F32", {frames, dim}, {}});
  return output::start_of_safetensors(tensors, options.metadata);
}

/// The same; its errors name the file.
std::string start_of_file(const fs::path& path, int64_t frames, int64_t dim,
                          const FeatureFileOptions& options) {
  const FeatureFormat format = format_of(path, options);
  check_sizes(path, options.layers, frames, dim);
  try {
    return start_of(format, frames, dim, options);
  } catch (const Error& error) {
    fail("cannot write '{}': {}", path.string(), error.what());
  }
}

}  // namespace

class FeatureWriter::Impl {
 public:
  Impl(const fs::path& path, int64_t frames, int64_t dim, const FeatureFileOptions& options)
      : path_(path),
        start_(start_of_file(path, frames, dim, options)),
        layers_(std::max<int64_t>(options.layers, 1)),
        frames_(frames),
        dim_(dim),
        missing_(layers_ * frames * dim),
        file_(path) {
    file_.write(std::as_bytes(std::span(start_)));
  }

  void write(int64_t first_frame, std::span<const float> rows, int64_t layer) {
    const auto count = static_cast<int64_t>(rows.size());
    if (layer < 1 || layer > layers_)
      fail("cannot write '{}': layer {} was given, it has {}", path_.string(), layer, layers_);
    if (first_frame < 0 || count % dim_ != 0 || first_frame > frames_ - count / dim_ || count > missing_) {
      fail("cannot write '{}': {} values from frame {} on are no whole frames of {} by {}", path_.string(),
           count, first_frame, frames_, dim_);
    }
    const int64_t value = ((layer - 1) * frames_ + first_frame) * dim_;
    const auto start = static_cast<int64_t>(start_.size());
    file_.write_at(start + value * static_cast<int64_t>(sizeof(float)), std::as_bytes(rows));
    missing_ -= count;
  }

  void commit() {
    if (missing_ != 0) fail("cannot write '{}': {} values of it are missing", path_.string(), missing_);
    file_.commit();
  }

 private:
  fs::path path_;
  std::string start_;
  int64_t layers_;  ///< at least 1
  int64_t frames_;
  int64_t dim_;
  int64_t missing_;  ///< values not written yet
  output::AtomicFile file_;
};

FeatureWriter::FeatureWriter(const fs::path& path, int64_t frames, int64_t dim,
                             const FeatureFileOptions& options)
    : impl_(std::make_unique<Impl>(path, frames, dim, options)) {}

FeatureWriter::~FeatureWriter() = default;

void FeatureWriter::write(int64_t first_frame, std::span<const float> rows, int64_t layer) {
  impl_->write(first_frame, rows, layer);
}

void FeatureWriter::commit() {
  impl_->commit();
}

void write_features(const fs::path& path, const Features& features,
                    const std::map<std::string, std::string>& metadata) {
  FeatureWriter file(path, features.frames, features.dim, {.metadata = metadata});
  file.write(0, features.data);
  file.commit();
}

}  // namespace contentvec
