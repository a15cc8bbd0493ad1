#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/export.h"

namespace contentvec {

/// How far the download of one file is.
struct DownloadProgress {
  std::string repo = {};  ///< "org/repo"
  std::string file = {};  ///< The file's name in the repository; empty while the files are being looked up.
  int64_t done = 0;       ///< Bytes on the disk, those of an earlier attempt included.
  int64_t total = -1;     ///< Bytes of the whole file; -1 where the hub does not say.
  bool waiting = false;   ///< Another process is downloading this file, and this one waits for it.
};

/// Where models named after the Hugging Face hub come from. What is left empty is taken from the environment,
/// by the names and rules of the Python package huggingface_hub:
///   - HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub:
///     the cache;
///   - HF_TOKEN, else the token that `hf auth login` stored: the token;
///   - HF_ENDPOINT: another server of the same protocol, such as a mirror;
///   - HF_HUB_OFFLINE: no request is made where it is 1;
///   - HF_HUB_ETAG_TIMEOUT: seconds to wait for an answer, 10 where it is not set;
///   - HF_HUB_DOWNLOAD_TIMEOUT: seconds to wait for more of a file, 10 where it is not set;
///   - SSL_CERT_FILE: the certificates to trust;
///   - HTTPS_PROXY, NO_PROXY: as libcurl reads them.
struct HubOptions {
  std::string revision = {};              ///< A branch, tag or commit; empty: as the name says, else "main".
  std::filesystem::path cache_dir = {};   ///< Shared with huggingface_hub, which lays it out the same way.
  std::optional<std::string> token = {};  ///< "" for none. It is sent to the endpoint's own host only.
  bool local_files_only = false;          ///< Take what is in the cache and make no request.
  /// Called while a file is downloaded, from the calling thread: several times a second, and about once a
  /// second while nothing arrives. It may throw, which ends the download and passes through to the caller.
  std::function<void(const DownloadProgress&)> progress = {};
};

/// A model that has a short name. The texts live as long as the program.
struct KnownModel {
  std::string_view name;  ///< The short name, such as "contentvec".
  std::string_view repo;  ///< "org/repo"
  std::string_view file;  ///< Empty for a Hugging Face model, whose weights are chosen as resolve() says.
  std::string_view what;  ///< One line for people.
};

/// Every short name; the first is the default model. The list lives as long as the program; any thread may
/// ask for it at any time. Throws nothing.
CONTENTVEC_API std::span<const KnownModel> known_models();

/// What a command or program loads when no model is named: known_models().front(), written out.
inline constexpr const char* kDefaultModel = "lexandstuff/mlx-contentvec/contentvec_base.safetensors";

/// A model that is on this machine.
struct ResolvedModel {
  std::filesystem::path path;         ///< The file or folder that Model::load opens.
  std::vector<std::string> warnings;  ///< Whole sentences, such as that the hub did not answer.
};

/// Finds a model, downloading what is missing. `spec` is
///   - a path: whatever exists on this machine is taken as it is, before any name is looked at;
///   - a name of known_models(), which `@revision` may follow;
///   - `org/repo` or `org/repo/file`, which `@revision` may follow;
///   - the address of either as the hub's pages show it: https://huggingface.co/org/repo, alone or with
///     /tree/revision, /blob/revision/file or /resolve/revision/file; or the same at HF_ENDPOINT.
///
/// Where no file is named: model.safetensors, else its index and shards, else pytorch_model.bin, else its
/// index and shards, else the only .safetensors file, else hubert_base.pt, else the only .pt or .pth file;
/// the same in a folder on this machine. config.json, preprocessor_config.json and processor_config.json
/// beside it come along where the repository has them.
///
/// The hub is asked on each call which commit the revision is now; when it cannot be reached or refuses, the
/// commit known last is taken from the cache with a warning. A whole commit id is never asked for again.
/// A file gets its name in the cache after its size and its SHA-256 (or git's SHA-1 for a small file) were
/// compared with the hub's; an interrupted download goes on where it stopped. Safe to call from any number of
/// threads and processes at once: a file is downloaded once.
///
/// Throws Error when it is neither a path nor a model, cannot be had, or does not check out; docs/models.md
/// and docs/limits.md have the rules. Source of the cache's layout: huggingface_hub.
CONTENTVEC_API ResolvedModel resolve(const std::string& spec, const HubOptions& options = {});

/// The same for a repository, "org/repo", and a file in it (empty: chosen as above), whatever paths exist on
/// this machine. Errors and thread safety are resolve()'s.
CONTENTVEC_API ResolvedModel download(const std::string& repo, const std::string& file,
                                      const HubOptions& options = {});

/// Where the cache has a model, by a name as resolve() takes it; nothing when it has not. Makes no request
/// and may be called from any thread. Throws Error for a malformed name.
CONTENTVEC_API std::optional<std::filesystem::path> find_cached(const std::string& spec,
                                                                const HubOptions& options = {});

}  // namespace contentvec
