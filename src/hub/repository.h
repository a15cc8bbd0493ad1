#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "contentvec/hub.h"
#include "hub/cache.h"
#include "hub/client.h"
#include "hub/name.h"
#include "hub/settings.h"

namespace contentvec::hub {

/// One repository at one revision, all of whose files are those of one commit: from the cache, else from the
/// hub. Which commit it is, the first file or list asked for settles. Where the hub is then unreachable, it
/// is the one known last, and everything comes from the cache, with a warning.
class Repository {
 public:
  /// Throws Error for options that make no sense.
  Repository(Name name, const HubOptions& options);

  /// Where the file is; downloads it where need be. Throws Error, also where there is no such file.
  std::filesystem::path get(const std::string& file);
  /// The same, but nothing where there is no such file (or, offline, none in the cache).
  std::optional<std::filesystem::path> find(const std::string& file);
  /// Names of its files; of those in the cache where the commit is settled and `enough` finds them so.
  std::vector<std::string> files(const std::function<bool(const std::vector<std::string>&)>& enough);
  /// Notes the commit in the cache, for a time when the hub cannot be asked. Call it once all files are
  /// there.
  void remember() const;

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  [[nodiscard]] bool online() const { return settings_.offline.empty(); }
  void make_do_with_the_cache(const Unreachable& error);
  std::optional<std::filesystem::path> in_cache(const std::string& file) const;
  std::optional<RemoteFile> describe(const std::string& file);
  void settle_commit(const std::string& commit);
  [[noreturn]] void fail_offline(const std::string& what) const;

  Name name_;
  Settings settings_;
  std::function<void(const DownloadProgress&)> progress_;
  Client client_;
  CachedRepo cache_;
  std::optional<std::string> commit_;
  bool answered_ = false;  ///< the hub has said something
  std::vector<std::string> warnings_;
};

}  // namespace contentvec::hub
