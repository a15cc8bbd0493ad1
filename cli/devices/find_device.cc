#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "cli/devices/devices.h"
#include "cli/fail.h"

namespace contentvec::cli {
namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string names_of(const std::vector<AudioDevice>& devices) {
  std::string names;
  for (const AudioDevice& device : devices)
    names += fmt::format("{}{} \"{}\"", names.empty() ? "" : ", ", device.number, device.name);
  return names;
}

}  // namespace

AudioDevice find_device(const std::string& name, Direction direction) {
  const bool is_input = direction == Direction::kInput;
  const char* const side = is_input ? "input" : "output";
  std::vector<AudioDevice> devices = audio_devices();
  std::erase_if(devices,
                [&](const AudioDevice& device) { return (is_input ? device.inputs : device.outputs) == 0; });
  if (devices.empty())
    fail("there is no sound device for --{}: give a file or -, or see whether the sound server runs", side);

  const auto pick = [&](auto matches) {
    std::vector<AudioDevice> picked;
    std::copy_if(devices.begin(), devices.end(), std::back_inserter(picked), matches);
    return picked;
  };
  std::vector<AudioDevice> found;
  if (name.empty()) {
    found = pick([&](const AudioDevice& d) { return is_input ? d.default_input : d.default_output; });
    if (found.empty()) fail("no device is the system's own: choose an --{} of {}", side, names_of(devices));
    return found.front();
  }
  found = pick([&](const AudioDevice& d) { return name == fmt::format("{}", d.number) || name == d.name; });
  if (found.empty())
    found = pick(
        [&](const AudioDevice& d) { return lower_case(d.name).find(lower_case(name)) != std::string::npos; });
  if (found.empty())
    fail("--{} {}: there is no such file or device; the devices are {}", side, name, names_of(devices));
  if (found.size() > 1)
    fail("--{} {} may mean {}: give more of its name, or its number", side, name, names_of(found));
  return found.front();
}

}  // namespace contentvec::cli
