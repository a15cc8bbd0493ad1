#include "checkpoint/model_kind.h"

#include <algorithm>
#include <array>

namespace contentvec::checkpoint {
namespace {

struct Kind {
  std::array<std::string_view, 2> starts;  ///< of names; a file of this kind has some with each
  std::string_view text;
};

constexpr std::array kKinds = {
    Kind{{"enc_p.", "dec."}, "an RVC voice (its synthesizer)"},
    Kind{{"enc_p.", ""}, "an RVC voice (its synthesizer)"},
    Kind{{"discriminators.", ""},
         "the discriminator of an RVC training run (D_*.pth), which no conversion needs"},
    Kind{{"unet.", "fc."}, "RMVPE, a pitch estimator"},
    Kind{{"unet.", "cnn."}, "RMVPE, a pitch estimator"},
    Kind{{"input_stack.", "output_proj."}, "FCPE, a pitch estimator"},
    Kind{{"cent_table", "dense_out."}, "FCPE, a pitch estimator"},
    Kind{{"exp_avg", ""}, "an optimizer's state"},
    Kind{{"momentum_buffer", ""}, "an optimizer's state"},
};

bool has_start(const Checkpoint& file, std::string_view start) {
  const auto first = file.tensors.lower_bound(std::string(start));
  return first != file.tensors.end() && first->first.starts_with(start);
}

}  // namespace

std::string_view describe_model(const Checkpoint& file) {
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) {
    return has_start(file, k.starts[0]) && has_start(file, k.starts[1]);
  });
  return kind == kKinds.end() ? std::string_view() : kind->text;
}

}  // namespace contentvec::checkpoint
