// A voice as it is spoken, from C++: a recording goes through a stream block by block, while another thread changes the
// key, as the knob of a plug-in would.
//
//   stream MODEL PITCH VOICE IN OUT.wav
//
// Recordings are read at 16 kHz, and so OUT.wav is of 16 kHz, too. A program's stream has its device's rate, such as
// 48000.

#include <contentvec/contentvec.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: stream MODEL PITCH VOICE IN OUT.wav (of 16 kHz)\n");
    return 2;
  }
  try {
    const std::vector<float> recording = contentvec::load_audio(argv[4]);
    contentvec::VoiceStream stream(
        contentvec::Model::load(argv[1]), contentvec::PitchEstimator::load(argv[2]),
        contentvec::Voice::load(argv[3]), std::nullopt,
        {.rate = contentvec::kSampleRate, .quality = contentvec::StreamQuality::kFast});

    std::thread knob([&stream] { stream.set({.key = 4}); });
    std::vector<float> in(static_cast<size_t>(stream.block()));
    std::vector<float> out(in.size());
    std::vector<float> heard;
    const size_t all = recording.size() + static_cast<size_t>(stream.latency());
    for (size_t begin = 0; begin < all; begin += in.size()) {
      std::fill(in.begin(), in.end(), 0.0F);
      if (begin < recording.size())
        std::copy_n(recording.begin() + static_cast<std::ptrdiff_t>(begin),
                    std::min(in.size(), recording.size() - begin), in.begin());
      if (stream.process(in, out) != contentvec::StreamStatus::kOk) throw contentvec::Error(stream.error());
      heard.insert(heard.end(), out.begin(), out.end());
    }
    knob.join();

    const std::span<const float> mono = heard;
    contentvec::write_audio(argv[5], {&mono, 1}, stream.rate());
    const contentvec::StreamStats stats = stream.stats();
    std::printf("%lld blocks of %.0f ms, %.1f ms each, 99 of 100 below %.1f\n",
                static_cast<long long>(stats.blocks),
                1000.0 * static_cast<double>(stream.block()) / stream.rate(), stats.mean_ms, stats.p99_ms);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "stream: %s\n", error.what());
    return 1;
  }
  return 0;
}
