#include "checkpoint/hostile.h"

#include <gmock/gmock.h>

#include "contentvec/error.h"
#include "support.h"

namespace contentvec::test {
namespace {

/// One file for all, overwritten each time: fuzzing makes thousands.
std::filesystem::path store(const std::string& bytes) {
  static const TemporaryFolder folder;
  static int number = 0;
  std::error_code ignored;  // a new inode each time, as the last one may still be mapped
  std::filesystem::remove(folder / ("hostile" + std::to_string(number)), ignored);
  std::filesystem::path path = folder / ("hostile" + std::to_string(++number));
  write_file(path, bytes);
  return path;
}

bool readable(const checkpoint::Tensor& tensor) {
  using checkpoint::ElementType;
  return tensor.type == ElementType::kF32 || tensor.type == ElementType::kF16 ||
         tensor.type == ElementType::kBF16;
}

void open_and_read_file(const std::filesystem::path& path) {
  const checkpoint::Checkpoint opened = checkpoint::open(path);
  for (const auto& [name, tensor] : opened.tensors)
    if (readable(tensor)) read(tensor);
}

}  // namespace

checkpoint::Checkpoint open_bytes(const std::string& bytes) {
  return checkpoint::open(store(bytes));
}

void open_and_read(const std::string& bytes) {
  open_and_read_file(store(bytes));
}

void expect_refused(const Hostile& hostile) {
  constexpr size_t kAllowance = size_t{1} << 20;
  const std::filesystem::path path = store(hostile.bytes);
  reset_largest_allocation();
  const std::string error = error_of([&] { open_and_read_file(path); });
  EXPECT_LE(largest_allocation(), hostile.bytes.size() * 12 + kAllowance) << hostile.name;
  EXPECT_THAT(error, ::testing::HasSubstr(hostile.expected)) << hostile.name;
  EXPECT_THAT(error, ::testing::HasSubstr(path.string())) << hostile.name;
  EXPECT_LT(error.size(), 1000U) << "an error for people, not the file's content: " << hostile.name;
}

void expect_no_crash(const std::string& bytes) {
  const std::filesystem::path path = store(bytes);
  try {
    open_and_read_file(path);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr(path.string()));
  }
}

}  // namespace contentvec::test
