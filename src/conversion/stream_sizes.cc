#include "conversion/stream_sizes.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "conversion/options.h"
#include "runtime/fail.h"

namespace contentvec::conversion {
namespace {

int64_t settle_rate(int rate) {
  if (rate < 8000 || rate > 192'000 || rate % 100 != 0)
    fail("the rate of a stream is {} Hz; expected a multiple of 100 from 8000 to 192000", rate);
  return rate;
}

}  // namespace

int64_t hops_of(std::string_view what, double ms, double least, double most) {
  check_range("stream", what, ms, least, most);
  return std::llround(ms / 10);
}

StreamSizes::StreamSizes(const StreamOptions& options)
    : rate(settle_rate(options.rate)),
      hop(rate / 100),
      block(hop * hops_of("block in ms", options.block_ms, 20, 2000)),
      crossfade(hop * hops_of("crossfade in ms", options.crossfade_ms, 10, 500)),
      search(hop * hops_of("search in ms", options.search_ms, 10, 100)),
      extra(hop * hops_of("extra in ms", options.extra_ms, 0, 10'000)),
      fade(std::min(crossfade, kMostFadedHops * hop)),
      context_frames(extra / hop) {
  const int64_t context = hops_of("fast context in ms", options.fast_context_ms, 0, 10'000);
  if (options.quality == StreamQuality::kFast) context_frames = std::min(context_frames, context);
}

}  // namespace contentvec::conversion
