#include "conversion/parts.h"

#include <algorithm>

#include "conversion/pieces.h"
#include "runtime/fail.h"

namespace contentvec::conversion {
namespace {

constexpr int64_t kFeatureHop = 2 * kPitchHop;  // the voice takes every frame of features twice

void check_model(const Model& model, const Voice& voice) {
  const ModelConfig& config = model.config();
  const VoiceInfo& info = voice.info();
  const Stage& stage = info.stage;
  if (stage.final_proj && config.final_dim == 0) {
    fail(
        "the voice '{}', of version 1, takes features through final_proj, which '{}' does not have: use RVC's "
        "hubert_base.pt (rvc-hubert-base), or another ContentVec with it",
        info.source, model.info().source);
  }
  if (stage.layer > config.total_layers()) {
    fail(
        "the voice '{}' takes layer {} of a model; '{}' has {}: use ContentVec or another of HuBERT's base size",
        info.source, stage.layer, model.info().source, config.total_layers());
  }
  if (config.speaker_conditioned()) {
    fail("'{}' takes a speaker's embedding, which no voice brings along: use ContentVec's checkpoint for RVC",
         model.info().source);
  }
  const int dim = stage.final_proj ? config.final_dim : config.encoder_embed_dim;
  if (dim != info.feature_dim || config.hop() != kFeatureHop) {
    fail("the voice '{}' takes {} features every {} samples; '{}' gives {} every {}", info.source,
         info.feature_dim, kFeatureHop, model.info().source, dim, config.hop());
  }
}

void check_retriever(const Retriever& retriever, const Voice& voice) {
  if (retriever.dim() == voice.info().feature_dim) return;
  fail("the index holds vectors of {}, and the voice '{}' takes features of {}: use the index made for it",
       retriever.dim(), voice.info().source, voice.info().feature_dim);
}

}  // namespace

void check_parts(const Model& model, const Voice& voice, const std::optional<Retriever>& retriever) {
  check_model(model, voice);
  if (retriever) check_retriever(*retriever, voice);
}

void double_frames(std::span<const float> features, int64_t dim, int64_t offset, std::span<float> out) {
  const int64_t last = static_cast<int64_t>(features.size()) / dim - 1;
  for (int64_t hop = 0; hop < static_cast<int64_t>(out.size()) / dim; ++hop) {
    const int64_t frame = std::min(std::max<int64_t>(hop + offset, 0) / 2, last);
    std::copy_n(features.begin() + frame * dim, dim, out.begin() + hop * dim);
  }
}

}  // namespace contentvec::conversion
