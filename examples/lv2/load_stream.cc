#include "load_stream.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

namespace {

/// Lines of "name = value"; what begins with # is a remark.
std::map<std::string, std::string> read_lines(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw contentvec::Error("cannot read " + path);
  std::map<std::string, std::string> values;
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find(" = ");
    if (line.empty() || line.front() == '#') continue;
    if (equals == std::string::npos) throw contentvec::Error(path + ": expected name = value, found " + line);
    values[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return values;
}

/// What contentvec.conf says. Each value is asked for once; what nobody asked for is a mistake of its writer.
class Configuration {
 public:
  explicit Configuration(const std::string& path) : path_(path), values_(read_lines(path)) {}

  std::optional<std::string> take(const std::string& name) {
    const auto node = values_.extract(name);
    return node ? std::optional(node.mapped()) : std::nullopt;
  }
  std::string need(const std::string& name) {
    const auto value = take(name);
    if (!value) throw contentvec::Error(path_ + " has no line \"" + name + " = ...\"");
    return *value;
  }
  double number(const std::string& name, double otherwise) {
    const auto value = take(name);
    if (!value) return otherwise;
    char* end = nullptr;
    const double result = std::strtod(value->c_str(), &end);
    if (end == value->c_str() || *end != 0)
      throw contentvec::Error(path_ + ": " + name + " is " + *value + "; expected a number");
    return result;
  }
  void expect_nothing_more() const {
    if (!values_.empty()) throw contentvec::Error(path_ + ": nothing is called " + values_.begin()->first);
  }

 private:
  std::string path_;
  std::map<std::string, std::string> values_;
};

contentvec::StreamOptions stream_options(Configuration& configuration, double rate) {
  contentvec::StreamOptions options;
  options.rate = static_cast<int>(rate);
  options.block_ms = configuration.number("block_ms", options.block_ms);
  options.extra_ms = configuration.number("extra_ms", options.extra_ms);
  options.crossfade_ms = configuration.number("crossfade_ms", options.crossfade_ms);
  options.seed = static_cast<uint64_t>(configuration.number("seed", 0));
  const std::string quality = configuration.take("quality").value_or("fast");
  if (quality != "fast" && quality != "exact")
    throw contentvec::Error("quality is " + quality + "; expected fast or exact");
  if (quality == "fast") options.quality = contentvec::StreamQuality::kFast;
  options.fast_context_ms = std::min(options.fast_context_ms, options.extra_ms);
  return options;
}

}  // namespace

contentvec::VoiceStream load_stream(const std::string& path, double rate) {
  Configuration configuration(path);
  const contentvec::StreamOptions options = stream_options(configuration, rate);
  const contentvec::DType dtype = contentvec::dtype_from_name(configuration.take("dtype").value_or("f32"));
  const auto pitch_path = configuration.take("pitch");
  const auto index_path = configuration.take("index");
  const std::string model_path = configuration.need("model");
  const std::string voice_path = configuration.need("voice");
  configuration.expect_nothing_more();
  std::optional<contentvec::PitchEstimator> pitch;
  std::optional<contentvec::Retriever> index;
  if (pitch_path) pitch = contentvec::PitchEstimator::load(*pitch_path, {.dtype = dtype});
  if (index_path) index = contentvec::Retriever::open(*index_path);
  return {contentvec::Model::load(model_path, {.dtype = dtype}), pitch,
          contentvec::Voice::load(voice_path, {.dtype = dtype}), index, options};
}
