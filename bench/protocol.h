#pragma once

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "contentvec/device.h"

/// What the workers that bench/compare drives have in common: a line of standard input is a command, which is answered
/// with a line of JSON.
namespace contentvec::bench {

using Json = nlohmann::ordered_json;

double milliseconds_since(std::chrono::steady_clock::time_point start);
std::vector<float> read_floats(const std::string& path);

/// BEGIN:END..., at least one, as ranges of the waveform.
std::vector<std::span<const float>> read_ranges(std::istringstream& words, std::span<const float> waveform);
/// Writes `values` as float32 into the file that is named; {}.
Json save(std::istringstream& words, std::span<const float> values);
/// `memory` {"mb"}: the most physical memory held so far; `peak` {"best", "median"}: GFLOP/s of registers alone. Throws
/// Error for another command.
Json answer_of_machine(const std::string& command, DType dtype, int threads);

/// Answers every line by worker.answer(line).
template <typename Worker>
void serve(Worker& worker) {
  for (std::string line; std::getline(std::cin, line);) std::cout << worker.answer(line) << std::endl;
}

/// run(arguments) as a program: what it throws is told, and makes the exit status 1.
int run_program(int argc, char** argv, int (*run)(const std::vector<std::string>& arguments));

}  // namespace contentvec::bench
