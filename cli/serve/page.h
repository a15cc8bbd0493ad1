#pragma once

#include <span>
#include <string_view>

namespace contentvec::cli::serve {

/// A file of cli/serve/page, as it was when this was built.
struct PageFile {
  std::string_view name;  ///< "index.html"
  std::string_view content;
};
std::span<const PageFile> page_files();

}  // namespace contentvec::cli::serve
