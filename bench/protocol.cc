#include "bench/protocol.h"

#include <fstream>

#include "cli/peak_memory.h"
#include "contentvec/performance.h"
#include "runtime/fail.h"

namespace contentvec::bench {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail("{}: cannot be opened", path);
  std::vector<float> values(static_cast<size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

std::vector<std::span<const float>> read_ranges(std::istringstream& words, std::span<const float> waveform) {
  std::vector<std::span<const float>> ranges;
  size_t begin = 0;
  size_t end = 0;
  for (char colon = 0; words >> begin >> colon >> end;) {
    if (begin > end || end > waveform.size()) fail("{}:{} is not in the waveform", begin, end);
    ranges.push_back(waveform.subspan(begin, end - begin));
  }
  if (ranges.empty()) fail("run what?");
  return ranges;
}

Json save(std::istringstream& words, std::span<const float> values) {
  std::string path;
  words >> path;
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  if (!file.flush()) fail("{}: cannot be written", path);
  return Json::object();
}

Json answer_of_machine(const std::string& command, DType dtype, int threads) {
  if (command == "memory") return {{"mb", static_cast<double>(cli::peak_memory()) / 1e6}};
  if (command != "peak") fail("\"{}\" is no command", command);
  const CpuPeak peak = measure_cpu_peak(dtype, threads);
  return {{"best", peak.best / 1e9}, {"median", peak.median / 1e9}};
}

int run_program(int argc, char** argv, int (*run)(const std::vector<std::string>& arguments)) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace contentvec::bench
