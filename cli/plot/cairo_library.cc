#include "cli/plot/cairo_library.h"

#include <dlfcn.h>

#include <string>

#include "contentvec/error.h"

namespace contentvec::cli::plot {
namespace {

/// The name that programs built against this Cairo load it by; on macOS the path of its file.
constexpr const char* kFile = CONTENTVEC_CAIRO_FILE;

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) throw Error(std::string("cannot draw: ") + kFile + " has no " + name);
}

CairoLibrary load() {
  void* library = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);  // never unloaded
  if (library == nullptr) {
    const char* reason = dlerror();
    throw Error(std::string("cannot draw: Cairo is not on this machine: install it (Debian and Ubuntu: "
                            "libcairo2), or leave the picture out (") +
                (reason == nullptr ? kFile : reason) + ")");
  }
  CairoLibrary cairo;
#define CONTENTVEC_CAIRO_FIND(name) find(library, "cairo_" #name, cairo.name);
  CONTENTVEC_CAIRO_FUNCTIONS(CONTENTVEC_CAIRO_FIND)
#undef CONTENTVEC_CAIRO_FIND
  return cairo;
}

}  // namespace

const CairoLibrary& cairo_library() {
  static const CairoLibrary library = load();  // tried again if it throws
  return library;
}

}  // namespace contentvec::cli::plot
