// Content features from C++: prints their shape and the first values.
//
//   extract MODEL [AUDIO]      without AUDIO a second of a tone
#include <contentvec/contentvec.h>

#include <cmath>
#include <cstdio>
#include <vector>

namespace {

std::vector<float> tone() {
  std::vector<float> waveform(contentvec::kSampleRate);
  for (size_t i = 0; i < waveform.size(); ++i) {
    waveform[i] = 0.1F * static_cast<float>(std::sin(0.1 * static_cast<double>(i)));
  }
  return waveform;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: extract MODEL [AUDIO]\n");
    return 2;
  }
  const contentvec::Model model = contentvec::Model::load(argv[1]);
  const std::vector<float> waveform = argc > 2 ? contentvec::load_audio(argv[2]) : tone();
  const contentvec::Features features = model.extract(waveform);
  std::printf("[%ld, %ld] %.4f %.4f ...\n", static_cast<long>(features.frames),
              static_cast<long>(features.dim), static_cast<double>(features.data[0]),
              static_cast<double>(features.data[1]));
  return 0;
} catch (const contentvec::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
