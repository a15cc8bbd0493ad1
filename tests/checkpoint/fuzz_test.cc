#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"
#include "contentvec/error.h"
#include "support.h"

// Many damaged files: whatever is wrong, opening and reading succeeds or throws contentvec::Error.

namespace contentvec::test {
namespace {

struct Container {
  const char* name;
  std::string bytes;
};
void PrintTo(const Container& container, std::ostream* out) {
  *out << container.name;
}

class Damaged : public ::testing::TestWithParam<Container> {};

TEST_P(Damaged, TruncationsAreErrors) {
  const std::string& good = GetParam().bytes;
  for (size_t length = 0; length < good.size(); ++length)
    expect_refused({"length " + std::to_string(length), good.substr(0, length), ""});
}

TEST_P(Damaged, ChangedBytesNeverCrash) {
  std::mt19937 random(20240229);
  for (int i = 0; i < 2500; ++i) {
    std::string bytes = GetParam().bytes;
    for (uint64_t changes = 1 + random() % 3; changes-- > 0;)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    reset_largest_allocation();
    expect_no_crash(bytes);
    EXPECT_LT(largest_allocation(), size_t{1} << 20);
  }
}

/// Every byte of the part that says how to read the rest, set to values that tend to hurt.
TEST_P(Damaged, ExtremeBytesNeverCrash) {
  for (size_t i = 0; i < GetParam().bytes.size(); ++i)
    for (const char extreme : {'\0', '\x7f', '\x80', '\xff'}) {
      std::string bytes = GetParam().bytes;
      bytes[i] = extreme;
      expect_no_crash(bytes);
    }
}

std::vector<Container> containers() {
  return {{"Zip", good_zip()}, {"Legacy", good_legacy()}, {"Safetensors", good_safetensors()}};
}
INSTANTIATE_TEST_SUITE_P(, Damaged, ::testing::ValuesIn(containers()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(DamagedReal, TruncationsAreErrors) {
  for (const char* name : {"tiny.fairseq.pt", "tiny.fairseq.legacy.pt", "tiny.mlx.safetensors"}) {
    const std::vector<std::byte> real = read_file(oracle() / "checkpoints" / name);
    const std::string bytes(reinterpret_cast<const char*>(real.data()), real.size());
    for (size_t length = 0; length < bytes.size(); length += bytes.size() / 61)
      expect_refused({name, bytes.substr(0, length), ""});
  }
}

/// Opens the file in a process that may take only `extra` bytes more; what it printed.
std::string open_confined(const std::string& bytes, size_t extra) {
  const TemporaryFolder folder;
  write_file(folder / "hostile.pt", bytes);
  const pid_t child = fork();
  if (child == 0) {
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t limit = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + extra;
    const rlimit confined{limit, limit};
    std::string outcome = "opened";
    if (pages == 0 || setrlimit(RLIMIT_AS, &confined) != 0) outcome = "not confined";
    try {
      checkpoint::open(folder / "hostile.pt");
    } catch (const std::exception& error) {
      outcome = error.what();
    }
    std::ofstream(folder / "outcome") << outcome << std::flush;
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return "crashed";
  std::ifstream in(folder / "outcome");
  return {std::istreambuf_iterator<char>(in), {}};
}

/// libzip takes its memory from malloc, which this binary does not watch: so the whole process is confined.
TEST(Confined, ZipDirectoriesAreNotBelieved) {
  if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer owns the address space";
  for (const uint64_t count : {uint64_t{60'000}, uint64_t{1} << 26, uint64_t{1} << 40, ~uint64_t{0}}) {
    ZipOptions options;
    options.zip64 = true;
    options.entry_count = count;
    const auto entries = torch_entries(good_object(), {{"0", floats({1, 2, 3, 4})}, {"1", floats({5, 6})}});
    const std::string outcome = open_confined(zip(entries, options), size_t{32} << 20);
    EXPECT_THAT(outcome, ::testing::HasSubstr("damaged or incomplete")) << count;
    EXPECT_THAT(outcome, ::testing::Not(::testing::HasSubstr("alloc"))) << count;
    EXPECT_THAT(outcome, ::testing::Not(::testing::HasSubstr("memory"))) << count;
  }
}

}  // namespace
}  // namespace contentvec::test
