#pragma once

#include <contentvec/contentvec.h>

#include <string>

/// A stream with all that the file at `path` names, as contentvec.conf has it. Takes seconds. Throws contentvec::Error.
contentvec::VoiceStream load_stream(const std::string& path, double rate);
