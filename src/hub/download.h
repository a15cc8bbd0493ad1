#pragma once

#include <functional>
#include <string>

#include "contentvec/hub.h"
#include "hub/cache.h"
#include "hub/client.h"

namespace contentvec::hub {

/// Sees to it that the blob of `remote` is in the cache: takes its lock, goes on with what an earlier attempt
/// left in ETAG.incomplete, compares size and digest, and only then gives it its name. `progress` may be
/// empty. Throws Error. What is right so far then stays in ETAG.incomplete, but for a full disk, where it
/// would be in the way.
void download_blob(const Client& client, const CachedRepo& cache, const std::string& repo,
                   const std::string& file, const RemoteFile& remote,
                   const std::function<void(const DownloadProgress&)>& progress);

}  // namespace contentvec::hub
