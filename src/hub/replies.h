#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/http.h"

namespace contentvec::hub {

// What the hub's answers say. Each function throws Error, naming the host, for what no hub answers.

inline constexpr const char* kCommit = "x-repo-commit";
inline constexpr const char* kLinkedEtag = "x-linked-etag";
inline constexpr const char* kLinkedSize = "x-linked-size";

/// A file of one commit, as the hub describes it.
struct RemoteFile {
  std::string commit;  ///< 40 hexadecimal digits
  std::string etag;    ///< 64 hexadecimal digits: SHA-256 of its bytes; 40: git's SHA-1 of them as a blob
  int64_t size = -1;   ///< bytes; -1 where the hub does not say
};

struct Listing {
  std::string commit;
  std::vector<std::string> files;
};

/// Whether it is a whole commit id.
bool is_commit(const std::string& text);

/// What the answer to HEAD says of a file.
RemoteFile remote_file_in(const Response& response);

/// The hub's answer about a repository, whose body is `text`.
Listing listing_in(const Response& response, const std::string& text);

}  // namespace contentvec::hub
