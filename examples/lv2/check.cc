// Holds the plug-in to what a VoiceStream gives, later by exactly the latency that it reports:
//
//   check PLUGIN.so CONFIG IN.wav [HEARD.wav]
//
// First hosted here, with blocks of all sizes; then, if another host has been run over IN.wav, with the controls that
// are below, what is in HEARD.wav. CONFIG's options must be the ones below, too.

#include <contentvec/contentvec.h>
#include <dlfcn.h>
#include <lv2/core/lv2.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <new>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "block_worker.h"

namespace {
thread_local size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace {

constexpr float kKey = 3;

void expect(bool holds, const std::string& what) {
  if (!holds) throw contentvec::Error(what);
}

const LV2_Descriptor& load(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  expect(library != nullptr, path);
  const auto descriptor = reinterpret_cast<LV2_Descriptor_Function>(dlsym(library, "lv2_descriptor"));
  expect(descriptor != nullptr && descriptor(0) != nullptr && descriptor(1) == nullptr, "no plug-in, or two");
  return *descriptor(0);
}

/// The plug-in with its ports, in the order of voice_changer.ttl.
class Host {
 public:
  Host(const LV2_Descriptor& plugin, int rate)
      : plugin_(plugin), handle_(plugin.instantiate(&plugin, rate, ".", nullptr)) {
    expect(handle_ != nullptr, "the plug-in did not start");
    for (uint32_t port = 0; port < controls_.size(); ++port)
      plugin_.connect_port(handle_, port + 2, &controls_[port]);
    plugin_.activate(handle_);
  }
  ~Host() {
    plugin_.deactivate(handle_);
    plugin_.cleanup(handle_);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void restart() {
    plugin_.deactivate(handle_);
    plugin_.activate(handle_);
  }
  /// In place: in and out are the same memory, as many hosts have it.
  void run(std::span<float> samples) {
    for (const uint32_t port : {0U, 1U}) plugin_.connect_port(handle_, port, samples.data());
    plugin_.run(handle_, static_cast<uint32_t>(samples.size()));
  }
  void bypass(bool is) { controls_[4] = is ? 1 : 0; }
  [[nodiscard]] size_t latency() const { return static_cast<size_t>(controls_[5]); }

 private:
  const LV2_Descriptor& plugin_;
  LV2_Handle handle_;
  std::array<float, 7> controls_ = {kKey, 0, 0.75F, -60, 0, 0, 1};  // key to freewheeling
};

std::vector<float> hosted(Host& host, std::vector<float> samples) {
  std::mt19937 random(5);
  for (size_t begin = 0; begin < samples.size();) {
    const size_t most =
        random() % 4 == 0 ? 20000 : 700;  // a host's usual, and more than a block of the stream's
    const size_t size = std::min<size_t>(random() % most, samples.size() - begin);
    host.run(std::span(samples).subspan(begin, size));
    begin += size;
  }
  return samples;
}

/// What the stream gives, begun as late as the plug-in's first sample is heard.
std::vector<float> expected(contentvec::VoiceStream& stream, std::vector<float> samples, size_t later) {
  const auto block = static_cast<size_t>(stream.block());
  const size_t size = samples.size();
  samples.resize((size + block - 1) / block * block);
  for (size_t begin = 0; begin < samples.size(); begin += block) {
    const std::span<float> part = std::span(samples).subspan(begin, block);
    expect(stream.process(part, part) == contentvec::StreamStatus::kOk, stream.error());
  }
  samples.insert(samples.begin(), later, 0.0F);
  samples.resize(size);
  return samples;
}

void compare(const std::vector<float>& heard, const std::vector<float>& expected, const std::string& where) {
  expect(heard.size() == expected.size(), where + ": " + std::to_string(heard.size()) + " samples");
  const auto [a, b] = std::ranges::mismatch(heard, expected);
  if (a != heard.end()) {
    throw contentvec::Error(where + ": sample " + std::to_string(a - heard.begin()) + " is " +
                            std::to_string(*a) + ", expected " + std::to_string(*b));
  }
  const bool sounds = std::ranges::any_of(heard, [](float x) { return std::abs(x) > 1e-3F; });
  expect(sounds, where + ": silence");
  std::printf("%s: %zu samples, bit for bit the stream's\n", where.c_str(), heard.size());
}

std::string value_of(const std::string& config, const std::string& name) {
  std::ifstream file(config);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + " = ")) return line.substr(name.size() + 3);
  throw contentvec::Error(config + " has no " + name);
}

contentvec::VoiceStream make_stream(const std::string& config, int rate) {
  return {contentvec::Model::load(value_of(config, "model")),
          contentvec::PitchEstimator::load(value_of(config, "pitch")),
          contentvec::Voice::load(value_of(config, "voice")),
          std::nullopt,
          {.rate = rate,
           .block_ms = 100,
           .extra_ms = 300,
           .quality = contentvec::StreamQuality::kExact,
           .seed = 4,
           .settings = {.key = kKey}}};
}

/// A bypassed sample comes out as late as the plug-in says, to the sample.
void check_latency(Host& host) {
  host.bypass(true);
  host.restart();
  std::vector<float> impulse(4 * host.latency());
  impulse[1234] = 0.5F;
  const std::vector<float> heard = hosted(host, impulse);
  const auto loudest = std::ranges::max_element(heard);
  expect(heard.begin() + 1234 + static_cast<std::ptrdiff_t>(host.latency()) == loudest,
         "an impulse at 1234 is heard at " + std::to_string(loudest - heard.begin()) + "; the latency is " +
             std::to_string(host.latency()));
  std::printf("bypass: an impulse is heard %zu samples later, as the latency says\n", host.latency());
}

/// A host that waits for nothing, with a worker that is mostly too late: what is heard is silence or what was said two
/// blocks before, and the host's thread takes no memory.
void check_lateness() {
  constexpr int64_t kBlock = 480;
  std::mt19937 random(6);
  BlockWorker worker(kBlock, [&random](const float* in, float* out) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    std::copy_n(in, kBlock, out);
  });
  worker.start();
  std::vector<float> heard(200'003);
  int64_t sounding = 0;
  const size_t before = allocations;
  for (size_t begin = 0; begin < heard.size(); begin += 97) {
    const std::span<float> part = std::span(heard).subspan(begin, std::min<size_t>(97, heard.size() - begin));
    for (size_t i = 0; i < part.size(); ++i) part[i] = static_cast<float>(begin + i + 1);
    worker.run(part.data(), part.data(), static_cast<int64_t>(part.size()), false);
    if (begin % 194 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  const bool takes_memory = allocations != before;
  expect(!takes_memory, "run() takes memory");
  for (size_t i = 0; i < heard.size(); ++i) {
    const bool is_there = heard[i] != 0;
    expect(!is_there || heard[i] == static_cast<float>(i + 1 - 2 * kBlock),
           "late blocks shift what is heard");
    sounding += is_there ? 1 : 0;
  }
  expect(sounding > 0, "no block was in time");
  std::printf("a late worker: %lld of %zu samples in time, none of them elsewhere\n",
              static_cast<long long>(sounding), heard.size());
}

void run(char** paths, bool has_heard) {
  const LV2_Descriptor& plugin = load(paths[1]);
  const contentvec::AudioChannels in = contentvec::read_audio_channels(paths[3]);
  const std::vector<float>& samples = in.channels.at(0);
  contentvec::VoiceStream stream = make_stream(paths[2], in.rate);
  Host host(plugin, in.rate);
  host.run({});  // which reports the latency
  const auto later = host.latency() - static_cast<size_t>(stream.latency() - stream.block());
  const std::vector<float> reference = expected(stream, samples, later);
  compare(hosted(host, samples), reference, "blocks of all sizes");
  host.restart();
  compare(hosted(host, samples), reference, "after a restart");
  if (has_heard) compare(contentvec::read_audio_channels(paths[4]).channels.at(0), reference, paths[4]);
  check_latency(host);
  check_lateness();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: check PLUGIN.so CONFIG IN.wav [HEARD.wav]\n");
    return 2;
  }
  try {
    run(argv, argc == 5);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "check: %s\n", error.what());
    return 1;
  }
  return 0;
}
