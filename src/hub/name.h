#pragma once

#include <string>

namespace contentvec::hub {

/// A model on the hub. Each part has passed the checks below.
struct Name {
  std::string repo;      ///< "org/repo"
  std::string file;      ///< path in the repository; empty: to be chosen
  std::string revision;  ///< branch, tag or commit; empty: not said
};

/// Reads what parse_name() does, or the address of a repository or file as the hub's pages show it, at
/// huggingface.co or at HF_ENDPOINT. Throws Error likewise.
Name parse_spec(const std::string& spec);

/// Reads a known short name, `org/repo` or `org/repo/file`, either followed by `@revision`. Throws Error that
/// says in a clause why `spec` is no such name.
Name parse_name(const std::string& spec);

/// Every part becomes part of a path and of a URL: each throws Error for one that could leave its place.
void check_repo(const std::string& repo);
void check_file(const std::string& file);
void check_revision(const std::string& revision);

}  // namespace contentvec::hub
