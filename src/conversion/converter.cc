#include "contentvec/converter.h"

#include <utility>

#include "conversion/pipeline.h"

namespace contentvec {

class Converter::Impl : public conversion::Pipeline {
 public:
  using Pipeline::Pipeline;
};

Converter::Converter(Model model, std::optional<PitchEstimator> pitch, Voice voice,
                     std::optional<Retriever> retriever)
    : impl_(std::make_shared<const Impl>(std::move(model), std::move(pitch), std::move(voice),
                                         std::move(retriever))) {}

Converted Converter::convert(std::span<const float> waveform, int rate, const ConvertOptions& options) const {
  return impl_->convert(waveform, rate, options);
}

Pitch Converter::estimate_pitch(std::span<const float> waveform, int rate,
                                const ConvertOptions& options) const {
  return impl_->estimate_pitch(waveform, rate, options);
}

const Voice& Converter::voice() const {
  return impl_->voice();
}

}  // namespace contentvec
