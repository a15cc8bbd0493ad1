#include "audio/contents.h"

#include <array>
#include <utility>

#include "audio/containers.h"
#include "audio/file_format.h"
#include "audio/pieced_source.h"
#include "runtime/fail.h"
#include "runtime/foreign_file.h"

namespace contentvec::audio {
namespace {

using namespace std::string_view_literals;

using Find = std::optional<Contents> (*)(const Part&);

struct Container {
  std::string_view start;
  std::string_view type;  ///< eight bytes on, or ""
  Find find;
};

constexpr std::array<Container, 17> kContainers = {{
    {"RIFF"sv, "WAVE"sv, wav_contents},
    {"RIFX"sv, "WAVE"sv, wav_contents},
    {"RF64"sv, "WAVE"sv, wav_contents},
    {"BW64"sv, "WAVE"sv, wav_contents},
    {"riff\x2e\x91\xcf\x11"sv, ""sv, w64_contents},
    {"FORM"sv, "AIFF"sv, aiff_contents},
    {"FORM"sv, "AIFC"sv, aiff_contents},
    {"caff"sv, ""sv, caf_contents},
    {".snd"sv, ""sv, au_contents},
    {"dns."sv, ""sv, au_contents},
    {"\0ds."sv, ""sv, au_contents},
    {"FORM"sv, "8SVX"sv, svx_contents},
    {"FORM"sv, "16SV"sv, svx_contents},
    {"Creative Voice File\x1a"sv, ""sv, voc_contents},
    {"NIST_1A\n"sv, ""sv, sphere_contents},
    {"fLaC"sv, ""sv, flac_contents},
    {"OggS"sv, ""sv, ogg_contents},
}};

const Container* container_at(Scanner& scan, int64_t begin) {
  for (const Container& container : kContainers) {
    if (scan.has(begin, container.start) && scan.has(begin + 8, container.type)) return &container;
  }
  return nullptr;
}

[[noreturn]] void refuse_foreign(const std::string& doing, const ForeignFile& file) {
  fail("{}: this is {}, which is no sound; {}", doing, file.what,
       file.remedy.empty() ? "give the recording itself" : file.remedy);
}

}  // namespace

Contents as_it_is(const Part& part) {
  Contents contents;
  contents.streams.push_back({patched(part.source, part.begin, part.end, {})});
  return contents;
}

void refuse_format(const std::string& doing, std::string_view reason) {
  fail(
      "{}: not audio that is read here: {}; expected wav, w64, rf64, aiff, au, caf, flac, ogg (vorbis, opus) "
      "or mp3; convert another format first: `ffmpeg -i in.xyz out.wav`",
      doing, reason);
}

void check_stream_count(const Part& part, size_t count) {
  if (count < kMostStreams) return;
  fail("{}: more than {} recordings are joined in this file, which is the limit; take it apart", part.doing,
       kMostStreams);
}

Contents find_contents(ByteSource& source, const std::string& doing) {
  Scanner scan(source);
  const Part part{source, begin_behind_tags(scan, 0, scan.size()), scan.size(), doing};
  if (const Container* container = container_at(scan, part.begin)) {
    auto contents = container->find(part);
    return contents ? std::move(*contents) : as_it_is(part);
  }
  if (const auto format = unread_format(scan, part.begin); !format.empty()) {
    fail("{}: this is {}, which is not read here; convert it first: `ffmpeg -i in.xyz out.wav`", doing,
         format);
  }
  const auto foreign = recognise_foreign_file(scan.text(part.begin, kForeignBeginning));
  if (foreign && foreign->sure) refuse_foreign(doing, *foreign);
  if (auto contents = mpeg_contents(part)) return std::move(*contents);
  if (foreign) refuse_foreign(doing, *foreign);
  if (is_unsure_mpeg(scan, part.begin)) refuse_format(doing, "its format is not recognised");
  return as_it_is(part);
}

bool begins_as_audio(ByteSource& source) {
  Scanner scan(source);
  const int64_t begin = begin_behind_tags(scan, 0, scan.size());
  if (begin > 0 || container_at(scan, begin) != nullptr) return true;
  const std::string doing;
  return mpeg_contents({source, begin, scan.size(), doing}).has_value();
}

}  // namespace contentvec::audio
