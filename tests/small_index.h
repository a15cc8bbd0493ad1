#pragma once

#include <string>

#include "contentvec/retriever.h"
#include "support.h"

namespace contentvec::test {

/// Whether this build reads indexes.
inline bool has_faiss() {
  const std::string error = error_of([] { Retriever::open("/nowhere.index"); });
  return error.find("CONTENTVEC_FAISS") == std::string::npos;
}

/// An index of a few features, as wide as those of "tiny-v2-48k".
inline std::string small_index() {
  return (oracle_rvc() / "checkpoints" / "tiny-v2.index").string();
}

}  // namespace contentvec::test
