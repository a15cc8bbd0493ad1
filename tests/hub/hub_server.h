#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support.h"

namespace contentvec::test {

/// Two commits to publish at.
inline const std::string kCommit(40, 'a');
inline const std::string kNextCommit(40, 'b');
/// A repository to publish in.
inline const std::string kRepo = "org/repo";

/// A model hub of its own on this machine (server.py), and a cache of its own; the environment of this
/// process points to both, and is otherwise that of a user who has set nothing.
class HubServer {
 public:
  /// With `certificate`, it speaks TLS.
  explicit HubServer(const std::filesystem::path& certificate = {});
  ~HubServer();
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  [[nodiscard]] std::string endpoint() const { return endpoint_; }
  [[nodiscard]] std::filesystem::path cache() const { return folder_ / "cache"; }
  /// A repository's folder in the cache.
  [[nodiscard]] std::filesystem::path cached(const std::string& repo) const;

  /// Puts a file into a commit, and that commit at the head of main.
  void publish(const std::string& repo, const std::string& file, const std::string& content,
               const std::string& commit = kCommit);
  /// Who may read the repository.
  void set_token(const std::string& repo, const std::string& token);
  /// What goes wrong from now on; see Fault in server.py.
  void set_faults(const nlohmann::json& faults);

  /// What was asked so far.
  [[nodiscard]] std::vector<nlohmann::json> requests() const;
  /// How many of them were of this method, on this server ("hub" or "cdn").
  [[nodiscard]] int count(const std::string& method, const std::string& server) const;

  void stop();

 private:
  TemporaryFolder folder_;
  std::string endpoint_;
  pid_t process_ = -1;
  int input_ = -1;  ///< the server ends when this closes
};

}  // namespace contentvec::test
