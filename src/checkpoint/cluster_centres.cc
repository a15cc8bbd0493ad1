#include "checkpoint/cluster_centres.h"

#include <zip.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "checkpoint/joblib_array.h"
#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/zip_archive.h"

namespace contentvec::checkpoint {
namespace {

using pickle::JoblibArray;
using pickle::Record;
using pickle::Values;

constexpr std::string_view kAttribute = "cluster_centers_";

/// The value with that number in the file.
template <typename Stored>
float value_at(std::string_view bytes, size_t index) {
  Stored value{};
  std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return static_cast<float>(value);
}

template <typename Stored>
std::vector<float> values_of(const JoblibArray& array, std::string_view bytes) {
  const auto rows = static_cast<size_t>(array.shape[0]);
  const auto columns = static_cast<size_t>(array.shape[1]);
  std::vector<float> values(rows * columns);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = value_at<Stored>(bytes, array.fortran_order ? i % columns * rows + i / columns : i);
  return values;
}

CentreRows centres_of(const Values& values, const Record& wrapper) {
  const JoblibArray array = joblib_array(values, wrapper);
  const auto* stored = values.get<pickle::Opaque>(wrapper.bytes);
  if (array.shape.size() != 2 || array.kind != 'f' || array.big_endian || stored == nullptr)
    fail("its {} is no little-endian matrix of floating-point numbers", kAttribute);
  if (array.element_size == sizeof(float)) return {array.shape[1], values_of<float>(array, stored->bytes)};
  if (array.element_size == sizeof(double)) return {array.shape[1], values_of<double>(array, stored->bytes)};
  fail("its {} has values of {} bytes, expected float32 or float64", kAttribute, array.element_size);
}

CentreRows read(std::span<const std::byte> file) {
  const Values values = pickle::unpickle_joblib(file);
  const auto* model = values.get<Record>(values.root);
  const pickle::Dict* state = model == nullptr ? nullptr : as_dict(values, model->state);
  const auto* wrapper = state == nullptr ? nullptr : values.get<Record>(find(values, *state, kAttribute));
  if (wrapper == nullptr || !is_joblib_array(values, *wrapper))
    fail("it holds no k-means model of scikit-learn's, whose {} would be read", kAttribute);
  return centres_of(values, *wrapper);
}

/// libzip's own object for what goes wrong outside of an archive.
struct CentresZipError {
  CentresZipError() { zip_error_init(&error); }
  ~CentresZipError() { zip_error_fini(&error); }
  CentresZipError(const CentresZipError&) = delete;
  CentresZipError& operator=(const CentresZipError&) = delete;
  zip_error_t error{};
};

[[noreturn]] void fail_writing(const char* what) {
  fail("cannot write an .npz file: {}", what);
}

void add_stored(zip_t* archive, const std::string& name, std::span<const std::byte> bytes) {
  zip_source_t* content = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  if (content == nullptr) fail_writing(zip_strerror(archive));
  const zip_int64_t index = zip_file_add(archive, name.c_str(), content, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(content);
    fail_writing(zip_strerror(archive));
  }
  const auto entry = static_cast<zip_uint64_t>(index);
  constexpr uint16_t kFirstDay = 0x21;  // of 1980: the same centres give the same bytes
  zip_set_file_compression(archive, entry, ZIP_CM_STORE, 0);
  zip_file_set_dostime(archive, entry, 0, kFirstDay, 0);
}

std::vector<std::byte> content_of(zip_source_t* source) {
  zip_stat_t stat{};
  if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0)
    fail_writing(zip_error_strerror(zip_source_error(source)));
  std::vector<std::byte> bytes(stat.size);
  const zip_int64_t read = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (read != static_cast<zip_int64_t>(bytes.size())) fail_writing("it is shorter than it should be");
  return bytes;
}

}  // namespace

CentreRows read_joblib_centres(std::span<const std::byte> file) {
  try {
    return read(file);
  } catch (const Error& error) {
    fail(
        "as a k-means model that joblib wrote: {}. If you trust it, convert it in Python: `import joblib, "
        "numpy; numpy.save(\"km.npy\", joblib.load(\"FILE\").cluster_centers_)`, which runs what the file says",
        error.what());
  }
}

std::vector<std::byte> npz_entry(const std::filesystem::path& path, std::string_view name, uint64_t most) {
  const ZipArchive archive(std::make_shared<const InputFile>(path));
  const std::string entry = std::string(name) + ".npy";
  if (!archive.contains(entry))
    fail("it is a zip file without {}; expected what `contentvec units` writes", entry);
  return archive.unpack(entry, most);
}

std::vector<std::byte> npz_of(std::string_view name, std::span<const std::byte> npy) {
  CentresZipError opening;
  zip_source_t* made = zip_source_buffer_create(nullptr, 0, 0, &opening.error);
  if (made == nullptr) fail_writing("out of memory");
  const std::unique_ptr<zip_source_t, decltype(&zip_source_free)> source(made, &zip_source_free);
  zip_source_keep(made);  // once for the archive, which lets go of it when it is closed
  std::unique_ptr<zip_t, decltype(&zip_discard)> archive(
      zip_open_from_source(made, ZIP_TRUNCATE, &opening.error), &zip_discard);
  if (archive == nullptr) {
    zip_source_free(made);
    fail_writing(zip_error_strerror(&opening.error));
  }
  add_stored(archive.get(), std::string(name) + ".npy", npy);
  if (zip_close(archive.get()) != 0) fail_writing(zip_strerror(archive.get()));
  static_cast<void>(archive.release());
  return content_of(made);
}

}  // namespace contentvec::checkpoint
