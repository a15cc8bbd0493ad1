#include "audio/file_format.h"

#include <algorithm>
#include <array>

namespace contentvec::audio {
namespace {

using namespace std::string_view_literals;

struct Magic {
  int64_t offset;
  std::string_view bytes;
  std::string_view format;
};

constexpr auto kUnread = std::to_array<Magic>({
    {4, "ftyp"sv, "MP4, M4A or MOV (AAC or ALAC)"},
    {4, "moov"sv, "MP4, M4A or MOV (AAC or ALAC)"},
    {0, "\x1A\x45\xDF\xA3"sv, "WebM or Matroska"},
    {0, "\xFF\xF1"sv, "AAC"},
    {0, "\xFF\xF9"sv, "AAC"},
    {0, "\xFF\xF0"sv, "AAC"},
    {0, "\xFF\xF8"sv, "AAC"},
    {0, "ADIF"sv, "AAC"},
    {0, "\x56\xE0"sv, "AAC (LATM)"},
    {0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv, "WMA or WMV"},
    {0, "\x30\x26\xB2\x75"sv, "WMA or WMV"},
    {0, "#!AMR"sv, "AMR"},
    {0, "#!SILK"sv, "SILK"},
    {0, "\x02#!SILK"sv, "SILK"},
    {0, "\x0B\x77"sv, "AC-3"},
    {0, "\x7F\xFE\x80\x01"sv, "DTS"},
    {0, "\xFE\x7F\x01\x80"sv, "DTS"},
    {0, "wvpk"sv, "WavPack"},
    {0, "MAC "sv, "Monkey's Audio"},
    {0, "TTA1"sv, "True Audio"},
    {0, "TTA2"sv, "True Audio"},
    {0, "MPCK"sv, "Musepack"},
    {0, "MP+"sv, "Musepack"},
    {0, "OFR "sv, "OptimFROG"},
    {0, "tBaK"sv, "TAK"},
    {0, "ajkg"sv, "Shorten"},
    {0, "DSD "sv, "DSD"},
    {0, "FRM8"sv, "DSD"},
    {0, ".RMF"sv, "RealMedia"},
    {0, ".ra\xFD"sv, "RealAudio"},
    {0, "FLV\x01"sv, "Flash video"},
    {8, "AVI "sv, "AVI"},
    {8, "QLCM"sv, "QCELP"},
    {0, "\0\0\x01\xBA"sv, "MPEG video"},
    {0, "\0\0\x01\xB3"sv, "MPEG video"},
    {0, "MThd"sv, "MIDI, which holds notes and no sound"},
});

/// Television's: packets of 188 bytes.
bool is_transport_stream(Scanner& scan, int64_t begin) {
  constexpr int64_t kPacket = 188;
  for (int64_t i = 0; i < 4; ++i) {
    if (!scan.has(begin + i * kPacket, "\x47")) return false;
  }
  return true;
}

}  // namespace

std::string_view unread_format(Scanner& scan, int64_t begin) {
  const auto found = std::find_if(kUnread.begin(), kUnread.end(), [&](const Magic& magic) {
    return scan.has(begin + magic.offset, magic.bytes);
  });
  if (found != kUnread.end()) return found->format;
  return is_transport_stream(scan, begin) ? "an MPEG transport stream" : "";
}

}  // namespace contentvec::audio
