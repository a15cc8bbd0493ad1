#include "contentvec/config.h"

#include "checkpoint/json_text.h"
#include "fuzz/fuzz.h"
#include "hubert/config_json.h"

// A configuration in each of its three forms: our own, Hugging Face's, fairseq's. What is read is written
// again.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::answers([&] {
    const ModelConfig config = ModelConfig::from_json(fuzz::text_of(data, size));
    if (!(ModelConfig::from_json(config.to_json()) == config)) __builtin_trap();
  });
  return fuzz::answers([&] {
    ModelConfig config;
    hubert::config_from_fairseq(checkpoint::parse_json(fuzz::text_of(data, size)), "fuzz", config);
  });
}
