// Stands in for the hub in a build that leaves it out: models are files of this machine.

#include "contentvec/hub.h"
#include "hub/files.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

constexpr const char* kAbsent =
    "this build leaves out the hub (CONTENTVEC_HUB=OFF): download the model by other means and give the path "
    "of its file, or build again with -DCONTENTVEC_HUB=ON";

}  // namespace

ResolvedModel hub::resolve_as(const std::string& spec, const HubOptions& options,
                              const std::string& /*expected*/) {
  return resolve(spec, options);
}

hub::FetchedFiles hub::fetch_files(const std::string& spec, const HubOptions& /*options*/,
                                   const std::string& /*expected*/, const ChooseFiles& /*choose*/) {
  fail("{}: there is no such file or folder, and {}", spec, kAbsent);
}

ResolvedModel resolve(const std::string& spec, const HubOptions& /*options*/) {
  std::error_code error;  // anything but "there is nothing of that name" is for opening it to complain about
  if (std::filesystem::status(spec, error).type() != std::filesystem::file_type::not_found) return {spec, {}};
  fail("{}: there is no such file or folder, and {}", spec, kAbsent);
}

ResolvedModel download(const std::string& repo, const std::string& /*file*/, const HubOptions& /*options*/) {
  fail("cannot download {}: {}", repo, kAbsent);
}

std::optional<std::filesystem::path> find_cached(const std::string& spec, const HubOptions& /*options*/) {
  fail("cannot look for {}: {}", spec, kAbsent);
}

}  // namespace contentvec
