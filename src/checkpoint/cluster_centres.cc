#include "checkpoint/cluster_centres.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "checkpoint/joblib_array.h"
#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/zip_archive.h"

namespace contentvec::checkpoint {
namespace {

using pickle::JoblibArray;
using pickle::Record;
using pickle::Ref;
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

/// How each of what joblib.dump(..., compress=...) writes begins. No pickle does.
constexpr std::array<std::pair<std::string_view, const char*>, 6> kCompressions = {{
    {"\x78", "zlib"},
    {"\x1f\x8b", "gzip"},
    {"BZh", "bz2"},
    {"\xfd\x37zXZ", "xz"},
    {std::string_view("\x5d\0", 2), "lzma"},
    {"\x04\x22\x4d\x18", "lz4"},
}};

void refuse_compressed(std::span<const std::byte> file) {
  for (const auto& [start, name] : kCompressions) {
    if (as_text(file).starts_with(start))
      fail("it is compressed (with {}), and only what joblib wrote uncompressed is read", name);
  }
}

/// What pickle.dump makes of NumPy's arrays, where joblib writes wrappers.
void refuse_pickled(const Values& values, Ref centres) {
  const auto* array = values.get<Record>(centres);
  const pickle::Global* made = array == nullptr ? nullptr : callee(values, *array);
  if (made != nullptr && made->module.starts_with("numpy"))
    fail("it is a pickle of pickle.dump's, and only what joblib.dump wrote is read");
}

CentreRows read(std::span<const std::byte> file) {
  refuse_compressed(file);
  const Values values = pickle::unpickle_joblib(file);
  const auto* model = values.get<Record>(values.root);
  const pickle::Dict* state = model == nullptr ? nullptr : as_dict(values, model->state);
  const Ref centres = state == nullptr ? pickle::kNone : find(values, *state, kAttribute);
  refuse_pickled(values, centres);
  const auto* wrapper = values.get<Record>(centres);
  if (wrapper == nullptr || !is_joblib_array(values, *wrapper))
    fail("it holds no k-means model of scikit-learn's, whose {} would be read", kAttribute);
  return centres_of(values, *wrapper);
}

}  // namespace

CentreRows read_joblib_centres(std::span<const std::byte> file) {
  try {
    return read(file);
  } catch (const Error& error) {
    fail(
        "as a k-means model of scikit-learn's: {}. If you trust it, convert it in Python: `import joblib, "
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
  return zip_of(std::string(name) + ".npy", npy);
}

}  // namespace contentvec::checkpoint
