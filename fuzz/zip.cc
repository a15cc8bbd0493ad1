#include "checkpoint/zip_archive.h"

#include <memory>
#include <string>

#include "fuzz/fuzz.h"

// A zip file: its directory, and every entry that can be read.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] {
    const checkpoint::ZipArchive archive(std::make_shared<const InputFile>(fuzz::file_of(data, size)));
    for (const auto& entry : archive.names())
      fuzz::answers([&] { static_cast<void>(archive.read(archive.find(entry.first))); });
  });
}
