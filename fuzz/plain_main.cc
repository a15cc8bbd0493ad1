#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"

// Where the compiler has no libFuzzer: runs a target on files, and on as many of their mutations as asked
// for, the same ones each time.
//
//   fuzz-TARGET [--runs N] FILE|FOLDER...
//
// A run that takes longer than ten seconds has found something that is not linear, and one that takes a
// minute is ended. What was running is in the file fuzz-TARGET.input when the process ends otherwise than by
// returning.

namespace fs = std::filesystem;

namespace {

constexpr size_t kLargest = size_t{1} << 20;
constexpr auto kLongest = std::chrono::seconds(10);
constexpr unsigned kHangs = 60;  // seconds after which the alarm clock ends what never returns

using Input = std::vector<uint8_t>;

Input read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<Input> read_all(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) files.push_back(path);
    if (fs::is_directory(path)) std::copy(fs::directory_iterator(path), {}, std::back_inserter(files));
  }
  std::sort(files.begin(), files.end());
  std::vector<Input> inputs = {{}};
  std::transform(files.begin(), files.end(), std::back_inserter(inputs), read);
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Input>& seeds) : seeds_(seeds) {}

  Input next() {
    Input input = seeds_[pick(seeds_.size())];
    for (size_t changes = 1 + pick(4); changes > 0; --changes) change(input);
    if (input.size() > kLargest) input.resize(kLargest);
    return input;
  }

 private:
  size_t pick(size_t count) { return count == 0 ? 0 : random_() % count; }

  void change(Input& input) {
    if (input.empty()) return input.push_back(static_cast<uint8_t>(random_()));
    const size_t at = pick(input.size());
    const size_t length = std::min(input.size() - at, size_t{1} << pick(12));
    const auto begin = input.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    switch (pick(7)) {
      case 0:
        input[at] = static_cast<uint8_t>(random_());
        break;
      case 1:
        input[at] ^= static_cast<uint8_t>(1U << pick(8));
        break;
      case 2:
        input.erase(begin, end);
        break;
      case 3:
        input.resize(at);
        break;
      case 4: {  // a part once more
        const Input part(begin, end);
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(pick(input.size())), part.begin(),
                     part.end());
        break;
      }
      case 5: {  // a number that is at an edge
        constexpr uint64_t kEdges[] = {
            0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0} >> 1, ~uint64_t{0}};
        const uint64_t number = kEdges[pick(std::size(kEdges))];
        std::memcpy(input.data() + at, &number, std::min(sizeof(number), input.size() - at));
        break;
      }
      default: {  // the end of another
        const Input& other = seeds_[pick(seeds_.size())];
        const size_t from = pick(other.size());
        input.resize(at);
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        break;
      }
    }
  }

  const std::vector<Input>& seeds_;
  std::mt19937_64 random_{1};
};

/// Writes down what runs first: when it ends the process, that file is what was found.
bool run(const Input& input, const fs::path& record) {
  std::ofstream(record, std::ios::binary)
      .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  alarm(kHangs);
  const auto start = std::chrono::steady_clock::now();
  LLVMFuzzerTestOneInput(input.data(), input.size());
  const auto taken = std::chrono::steady_clock::now() - start;
  if (taken <= kLongest) return true;
  std::fprintf(stderr, "%zu bytes took %.1f s; they are in %s\n", input.size(),
               std::chrono::duration<double>(taken).count(), record.c_str());
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  size_t runs = 0;
  std::vector<fs::path> paths;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--runs" && i + 1 < count) {
      const std::string number = arguments[++i];
      std::from_chars(number.data(), number.data() + number.size(), runs);
    } else {
      paths.emplace_back(argument);
    }
  }
  const fs::path record = fs::path(arguments[0]).string() + ".input";
  const std::vector<Input> seeds = read_all(paths);
  for (const Input& seed : seeds) {
    if (!run(seed, record)) return 1;
  }
  Mutator mutator(seeds);
  for (size_t i = 0; i < runs; ++i) {
    if (!run(mutator.next(), record)) return 1;
  }
  fs::remove(record);
  std::printf("%s: %zu seeds, %zu mutations\n", fs::path(arguments[0]).filename().c_str(), seeds.size(),
              runs);
  return 0;
}
