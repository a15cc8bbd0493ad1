#pragma once

#include <portaudio.h>

namespace contentvec::cli {

/// PortAudio, loaded when the first device is asked for: all other commands run without it. The functions have its own
/// names, without "Pa_".
struct PortAudioLibrary {
// clang-format off
#define CONTENTVEC_PORTAUDIO_FUNCTIONS(each) \
  each(Initialize) each(Terminate) each(GetErrorText) \
  each(GetDeviceCount) each(GetDeviceInfo) each(GetHostApiInfo) \
  each(GetDefaultInputDevice) each(GetDefaultOutputDevice) \
  each(OpenStream) each(StartStream) each(AbortStream) each(CloseStream) \
  each(IsStreamActive) each(GetStreamInfo)
// clang-format on
#define CONTENTVEC_PORTAUDIO_MEMBER(name) decltype(&Pa_##name) name = nullptr;
  CONTENTVEC_PORTAUDIO_FUNCTIONS(CONTENTVEC_PORTAUDIO_MEMBER)
#undef CONTENTVEC_PORTAUDIO_MEMBER
};

/// Loads it and looks for devices, once. Throws Error where it is not on this machine, or cannot start.
const PortAudioLibrary& portaudio();

}  // namespace contentvec::cli
