#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "contentvec/hub.h"

namespace contentvec::hub {

/// Files of one commit of a repository, on this machine.
struct FetchedFiles {
  std::vector<std::filesystem::path> paths;
  std::vector<std::string> warnings;
};

/// Says which of a repository's files, given by their names, are wanted, in the order they are returned in. `named` is
/// the one that the user named, empty where none. May throw.
using ChooseFiles =
    std::function<std::vector<std::string>(const std::vector<std::string>& files, const std::string& named)>;

/// resolve() of something that is no content model: `expected` says what it is, and ends the sentence "Expected ...".
ResolvedModel resolve_as(const std::string& spec, const HubOptions& options, const std::string& expected);

/// The chosen ones of the repository that `spec` names, as resolve() takes names, downloading what is missing. Nothing
/// of that name may be on this machine. Throws Error as resolve_as() does.
FetchedFiles fetch_files(const std::string& spec, const HubOptions& options, const std::string& expected,
                         const ChooseFiles& choose);

}  // namespace contentvec::hub
