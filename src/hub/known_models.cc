#include <array>

#include "contentvec/hub.h"

namespace contentvec {

std::span<const KnownModel> known_models() {
  static constexpr std::array kKnown = {
      KnownModel{"contentvec", "lexandstuff/mlx-contentvec", "contentvec_base.safetensors",
                 "ContentVec base, float32; the default"},
      KnownModel{"rvc-hubert-base", "lj1995/VoiceConversionWebUI", "hubert_base.pt",
                 "the same model as RVC ships it, with final_proj (RVC v1)"},
      KnownModel{"content-vec-best", "lengyue233/content-vec-best", "",
                 "ContentVec base for transformers, with final_proj"},
      KnownModel{"hubert-base-ls960", "facebook/hubert-base-ls960", "", "HuBERT base"},
      KnownModel{"hubert-large-ll60k", "facebook/hubert-large-ll60k", "", "HuBERT large"},
      KnownModel{"chinese-hubert-base", "TencentGameMate/chinese-hubert-base", "",
                 "HuBERT base trained on Chinese"},
      KnownModel{"distilhubert", "ntu-spml/distilhubert", "", "HuBERT base distilled to two layers"},
      KnownModel{"rmvpe", "lj1995/VoiceConversionWebUI", "rmvpe.pt", "RMVPE, which estimates pitch"},
  };
  return kKnown;
}

}  // namespace contentvec
