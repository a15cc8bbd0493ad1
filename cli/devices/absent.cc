#include "cli/devices/devices.h"
#include "cli/fail.h"

namespace contentvec::cli {
namespace {

[[noreturn]] void refuse() {
  fail(
      "this program was built without sound devices: give files or - for --input and --output, or build it with "
      "PortAudio's headers (Debian and Ubuntu: portaudio19-dev; CONTENTVEC_PORTAUDIO)");
}

}  // namespace

std::vector<AudioDevice> audio_devices() {
  refuse();
}

std::unique_ptr<LiveSource> device_input(const AudioDevice& /*device*/, int /*rate*/, size_t /*block*/) {
  refuse();
}

std::unique_ptr<LiveSink> device_output(const AudioDevice& /*device*/, int /*rate*/, size_t /*block*/,
                                        WhenFull /*when_full*/) {
  refuse();
}

}  // namespace contentvec::cli
