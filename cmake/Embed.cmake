# cmake -DOUT=FILE.cc -DFILES="a;b" -P Embed.cmake: a source with the files in it, for cli/serve/page.h. As bytes, since a
# compiler bounds the length of a text.
set(arrays)
set(rows)
set(number 0)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char kFile${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", {kFile${number}, sizeof kFile${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// Made by cmake/Embed.cmake.
#include \"cli/serve/page.h\"

namespace contentvec::cli::serve {
namespace {

${arrays}
constexpr PageFile kFiles[] = {
${rows}};

}  // namespace

std::span<const PageFile> page_files() {
  return kFiles;
}

}  // namespace contentvec::cli::serve
")
