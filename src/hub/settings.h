#pragma once

#include <filesystem>
#include <string>

#include "contentvec/hub.h"

namespace contentvec::hub {

/// HubOptions with the environment's answers filled in.
struct Settings {
  std::filesystem::path cache;  ///< absolute; need not exist
  std::string endpoint;         ///< "https://huggingface.co", no slash at the end
  std::string token;            ///< empty: none
  std::string offline;          ///< why no request may be made; empty: requests may be made
  int answer_seconds = 0;       ///< the longest wait for a connection, and for an answer
  int stall_seconds = 0;        ///< the longest pause in the middle of a file
};

/// Throws Error for a value that makes no sense.
Settings settle(const HubOptions& options);

}  // namespace contentvec::hub
