#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "contentvec/hub.h"
#include "hub/http.h"

namespace contentvec::hub {

/// What no server decides; docs/limits.md names them. Tests set others.
struct Limits {
  int64_t unannounced = int64_t{16} << 30;  ///< bytes of a file whose size the hub does not say
  int64_t json = int64_t{64} << 20;         ///< bytes of a .json file, and of the list of files
  int64_t slowest = 8192;                   ///< bytes a second, on average over slow_seconds
  int slow_seconds = 60;
  /// Bytes of the disk that a file whose size is not said leaves free.
  int64_t reserve = int64_t{512} << 20;
  int longest_wait = 30;                  ///< seconds of a Retry-After that are waited
  std::chrono::milliseconds breath{100};  ///< half the pause after the first answer that brought nothing
};
Limits& limits();

/// The hub's address, HF_ENDPOINT where it is set, as it is written there but for the slash at its end.
/// Throws Error.
std::string endpoint_setting();

/// HubOptions with the environment's answers filled in.
struct Settings {
  std::filesystem::path cache;  ///< absolute; need not exist
  std::string endpoint;         ///< "https://huggingface.co", no slash at the end, no login
  Login login;                  ///< of the endpoint
  std::string token;            ///< empty: none
  std::string offline;          ///< why no request may be made; empty: requests may be made
  int answer_seconds = 0;       ///< the longest wait for a connection, and for an answer
  int stall_seconds = 0;        ///< the longest pause in the middle of a file
};

/// Throws Error for a value that makes no sense.
Settings settle(const HubOptions& options);

}  // namespace contentvec::hub
