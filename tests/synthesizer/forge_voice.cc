#include "synthesizer/forge_voice.h"

#include <cstring>

#include "checkpoint/forge.h"
#include "checkpoint/tensor.h"
#include "support.h"
#include "synthesizer/voice_tensors.h"

namespace contentvec::test {
namespace {

std::string numbers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(integer(value));
  return list(items);
}

}  // namespace

synthesizer::VoiceConfig smallest_voice() {
  synthesizer::VoiceConfig c;
  c.inter_channels = 4;
  c.hidden_channels = 4;
  c.filter_channels = 6;
  c.n_heads = 2;
  c.n_layers = 1;
  c.resblock_kernel_sizes = {3};
  c.resblock_dilation_sizes = {{1, 3, 5}};
  c.upsample_rates = {16, 10};
  c.upsample_kernel_sizes = {32, 20};
  c.upsample_initial_channel = 8;
  c.gin_channels = 3;
  c.speakers = 2;
  c.sample_rate = 16000;
  return c;
}

ForgedVoice::ForgedVoice(const synthesizer::VoiceConfig& c) {
  for (const tensors::Synthetic& made : synthesizer::voice_tensors(c))
    tensors[made.tensor.name] = {made.tensor.shape, read(made.as_tensor("synthetic", 0))};
  std::vector<std::string> dilations;
  for (const std::vector<int64_t>& of_kernel : c.resblock_dilation_sizes)
    dilations.push_back(numbers(of_kernel));
  config = {integer(1025),
            integer(32),
            integer(c.inter_channels),
            integer(c.hidden_channels),
            integer(c.filter_channels),
            integer(c.n_heads),
            integer(c.n_layers),
            integer(c.kernel_size),
            integer(0),
            text(std::to_string(c.resblock)),
            numbers(c.resblock_kernel_sizes),
            list(dilations),
            numbers(c.upsample_rates),
            integer(c.upsample_initial_channel),
            numbers(c.upsample_kernel_sizes),
            integer(c.speakers),
            integer(c.gin_channels),
            integer(c.sample_rate)};
  entries = {{"info", text("20epoch")}, {"f0", integer(c.f0 ? 1 : 0)}, {"version", text(c.version)}};
}

std::string ForgedVoice::bytes() const {
  std::vector<std::pair<std::string, std::string>> weights;
  Storages storages;
  for (const auto& [name, values] : tensors) {
    const std::string key = std::to_string(storages.size());
    std::string content(values.values.size() * sizeof(float), '\0');
    if (!content.empty()) std::memcpy(content.data(), values.values.data(), content.size());
    const auto count = static_cast<int64_t>(values.values.size());
    weights.emplace_back(name, tensor(storage("FloatStorage", key, count), 0, values.shape,
                                      checkpoint::contiguous_strides(values.shape)));
    storages.emplace_back(key, std::move(content));
  }
  std::vector<std::pair<std::string, std::string>> all = {{weights_key, named(weights)}};
  if (with_config) all.emplace_back("config", list(config));
  all.insert(all.end(), entries.begin(), entries.end());
  return torch_zip(named(all), storages);
}

void ForgedVoice::set(const std::string& key, const std::string& value) {
  for (auto& [name, stored] : entries) {
    if (name == key) {
      stored = value;
      return;
    }
  }
  entries.emplace_back(key, value);
}

}  // namespace contentvec::test
