#include "retrieval/units_file.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "checkpoint/text.h"
#include "output/npy.h"
#include "runtime/fail.h"
#include "runtime/input_file.h"

namespace contentvec::retrieval {
namespace {

constexpr const char* kName = "centres";
constexpr uint64_t kMostBytes = uint64_t{1} << 30;  // 65536 centres of 4096 values

CentreRows centres_in(output::NpyArray array) {
  if (array.shape.size() != 2)
    fail("expected the shape [clusters, dim], found [{}]", fmt::join(array.shape, ", "));
  return {array.shape[1], std::move(array.values)};
}

CentreRows read_as_what_it_is(const std::filesystem::path& path) {
  const InputFile file(path);
  if (file.size() > kMostBytes)
    fail("it has {} bytes, and the largest that is read {}", file.size(), kMostBytes);
  const size_t head = std::min<size_t>(file.size(), 2);
  const std::shared_ptr<const std::byte[]> start = file.read(0, head);
  if (checkpoint::as_text({start.get(), head}).starts_with("PK"))
    return centres_in(output::read_npy(checkpoint::npz_entry(path, kName, kMostBytes), path.string()));
  const auto size = static_cast<size_t>(file.size());
  const std::shared_ptr<const std::byte[]> content = file.read(0, size);
  const std::span<const std::byte> bytes(content.get(), size);
  if (checkpoint::as_text(bytes).starts_with("\x93NUMPY"))
    return centres_in(output::read_npy(bytes, path.string()));
  return checkpoint::read_joblib_centres(bytes);
}

}  // namespace

CentreRows read_centres(const std::filesystem::path& path) {
  try {
    return read_as_what_it_is(path);
  } catch (const Error& error) {
    fail("cannot read units from '{}': {}", path.string(), error.what());
  }
}

std::vector<std::byte> centres_file(const CentreRows& centres) {
  const std::array<int64_t, 2> shape = {static_cast<int64_t>(centres.values.size()) / centres.dim,
                                        centres.dim};
  const std::string start = output::start_of_npy(shape);
  const auto values = std::as_bytes(std::span(centres.values));
  std::vector<std::byte> npy(start.size());
  std::copy(start.begin(), start.end(), reinterpret_cast<char*>(npy.data()));
  npy.insert(npy.end(), values.begin(), values.end());
  return checkpoint::npz_of(kName, npy);
}

}  // namespace contentvec::retrieval
