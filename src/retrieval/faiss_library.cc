#include "retrieval/faiss_library.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "checkpoint/packed_file.h"
#include "retrieval/index_file.h"
#include "runtime/fail.h"
#include "runtime/fork.h"
#include "runtime/thread_team.h"

namespace contentvec::retrieval {
namespace {

namespace fs = std::filesystem;

/// What OpenBLAS reserves for each processor when it is loaded, and twice that for the products of a build;
/// where it gets less it tries again for ever.
constexpr size_t kBlasBuffer = size_t{136} << 20;
/// The libraries themselves.
constexpr size_t kCode = size_t{96} << 20;

/// The folder of the program or library that holds this code; empty where that is not known.
fs::path own_folder() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const fs::path found = fs::canonical(info.dli_fname, error);
  // A program's name may be one that was looked up on the PATH.
  return error || !fs::path(info.dli_fname).has_parent_path() ? fs::path() : found.parent_path();
}

/// The folder of the running program; empty where the system does not say.
fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

std::vector<fs::path> places() {
  std::vector<fs::path> found;
  for (const fs::path& folder : {own_folder(), program_folder()}) {
    if (folder.empty()) continue;
    found.push_back(folder / CONTENTVEC_FAISS_FILE);
    found.push_back(folder / "contentvec" / CONTENTVEC_FAISS_FILE);
    found.push_back(folder.parent_path() / "lib" / "contentvec" / CONTENTVEC_FAISS_FILE);
  }
#ifdef CONTENTVEC_FAISS_INSTALLED
  found.emplace_back(CONTENTVEC_FAISS_INSTALLED);
#endif
#ifdef CONTENTVEC_FAISS_BUILT
  found.emplace_back(CONTENTVEC_FAISS_BUILT);
#endif
  return found;
}

void check_address_space(const std::string& doing, size_t needed) {
  void* space = mmap(nullptr, needed, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (space == MAP_FAILED) {
    fail("cannot {}: FAISS and its BLAS need {} MB of address space; raise the limit (ulimit -v)", doing,
         needed >> 20);
  }
  munmap(space, needed);
}

/// The library in a file; null, and why, where it is not there or is another's.
const FaissLibrary* load(const fs::path& file, std::string& why) {
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    std::error_code ignored;
    const char* reason = dlerror();
    why = fs::exists(file, ignored) && reason != nullptr ? reason : "not there";
    return nullptr;
  }
  // Never unloaded: indexes live as long as they like, and OpenMP's threads run its code.
  const auto entry = reinterpret_cast<decltype(&contentvec_faiss)>(dlsym(handle, "contentvec_faiss"));
  const FaissLibrary* library = entry == nullptr ? nullptr : entry(CONTENTVEC_VERSION);
  if (library == nullptr) why = "of another version of contentvec";
  return library;
}

const FaissLibrary& load_any(const std::string& doing) {
  const auto processors = static_cast<size_t>(std::clamp(sysconf(_SC_NPROCESSORS_CONF), 1L, 128L));
  check_address_space(doing, kCode + processors * kBlasBuffer);
  std::string tried;
  for (const fs::path& file : places()) {
    std::string why;
    if (const FaissLibrary* library = load(file, why)) return *library;
    tried += fmt::format("{}'{}' ({})", tried.empty() ? "" : ", ", file.string(), why);
  }
  fail("cannot {}: {}, which holds FAISS, is not found: tried {}. Put it beside the program or package",
       doing, CONTENTVEC_FAISS_FILE, tried);
}

const FaissLibrary& faiss_library(const std::string& doing) {
  static const FaissLibrary& library = load_any(doing);  // tried again if it throws
  return library;
}

/// The library, where there is room to build an index of these vectors: FAISS copies them into lists that
/// grow, and trains on another copy.
const FaissLibrary& library_to_build(std::span<const float> vectors) {
  const std::string doing = "build an index";
  const FaissLibrary& library = faiss_library(doing);
  check_address_space(doing, 2 * kBlasBuffer + 4 * vectors.size_bytes());
  return library;
}

/// How many threads OpenMP may start. One in a child of fork(): OpenMP waits there for its parent's threads,
/// which are gone. Where there are not as many, OpenMP ends the process: the team is made to see.
int checked_threads(int threads) {
  if (fork_generation() > 0) return 1;
  const int wanted = threads > 0 ? threads : usable_cpus();
  const ThreadTeam possible(wanted);
  return possible.size();
}

}  // namespace

std::unique_ptr<const VectorIndex> open_index(const fs::path& path) {
  const std::shared_ptr<const InputFile> file = checkpoint::open_input_file(path.string());
  const auto size = static_cast<size_t>(file->size());
  const std::shared_ptr<const std::byte[]> content = file->read(0, size);
  const std::span<const std::byte> bytes(content.get(), size);
  check_index_file(bytes, file->path());
  return faiss_library(fmt::format("open the index '{}'", path.string())).open(bytes, path);
}

std::unique_ptr<const VectorIndex> build_index(std::span<const float> vectors, int64_t dim, int64_t lists,
                                               int threads) {
  return library_to_build(vectors).build(vectors, dim, lists, checked_threads(threads));
}

std::vector<float> cluster_centres(std::span<const float> vectors, int64_t dim, const Clustering& clustering,
                                   int threads) {
  return library_to_build(vectors).cluster(vectors, dim, clustering, checked_threads(threads));
}

}  // namespace contentvec::retrieval
