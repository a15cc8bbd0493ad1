#include "checkpoint/zip_archive.h"

#include <zip.h>

#include <algorithm>
#include <utility>

#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

/// libzip's account of what went wrong.
struct ZipError {
  zip_error_t error{};
  ZipError() { zip_error_init(&error); }
  ~ZipError() { zip_error_fini(&error); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  const char* text() { return zip_error_strerror(&error); }
};

std::shared_ptr<zip> open_zip(std::span<const std::byte> bytes) {
  ZipError error;
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error.error);
  if (source == nullptr) fail("libzip: {}", error.text());
  zip_t* handle = zip_open_from_source(source, ZIP_RDONLY, &error.error);
  if (handle == nullptr) {
    zip_source_free(source);
    fail_damaged("it begins like a zip file, but cannot be opened as one: {}", error.text());
  }
  return {handle, zip_discard};
}

}  // namespace

ZipArchive::ZipArchive(std::shared_ptr<const MappedFile> file)
    : file_(std::move(file)), handle_(open_zip(file_->bytes())) {
  const zip_int64_t count = zip_get_num_entries(handle_.get(), 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(std::max<zip_int64_t>(count, 0)); ++i) {
    const char* name = zip_get_name(handle_.get(), i, ZIP_FL_ENC_RAW);
    if (name == nullptr) fail_damaged("zip entry number {} has no name", i);
    if (!names_.emplace(name, i).second) fail_damaged("zip entry {} occurs twice", quote(name));
  }
}

ZipArchive::Entry ZipArchive::find(std::string_view name) const {
  const auto found = names_.find(name);
  if (found == names_.end()) fail_damaged("expected the zip entry {}, which is missing", quote(name));
  zip_stat_t status;
  if (zip_stat_index(handle_.get(), found->second, 0, &status) != 0)
    fail_damaged("zip entry {}: {}", quote(name), zip_strerror(handle_.get()));
  if (status.encryption_method != ZIP_EM_NONE)
    fail("zip entry {} is encrypted, which torch.save never does; save the checkpoint again", quote(name));
  if (status.comp_method != ZIP_CM_STORE)
    fail(
        "zip entry {} is compressed, which torch.save never does; unpack the archive, then zip it with "
        "compression off, or save the checkpoint again",
        quote(name));
  if (status.size != status.comp_size || status.size > file_->bytes().size())
    fail_damaged("zip entry {} claims {} bytes in a file of {}", quote(name), status.size,
                 file_->bytes().size());
  return {found->second, status.size};
}

std::shared_ptr<const std::byte[]> ZipArchive::read(const Entry& entry) const {
  const std::lock_guard lock(mutex_);  // libzip's handle is for one thread at a time
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> stream(
      zip_fopen_index(handle_.get(), entry.index, 0), zip_fclose);
  const std::string name = quote(zip_get_name(handle_.get(), entry.index, ZIP_FL_ENC_RAW));
  if (!stream) fail_damaged("zip entry {}: {}", name, zip_strerror(handle_.get()));
  const std::shared_ptr<std::byte[]> content(new std::byte[entry.size]);
  uint64_t done = 0;
  while (done < entry.size) {
    const zip_int64_t got = zip_fread(stream.get(), content.get() + done, entry.size - done);
    if (got <= 0)
      fail_damaged("zip entry {} ends after {} of {} bytes: {}", name, done, entry.size,
                   zip_file_strerror(stream.get()));
    done += static_cast<uint64_t>(got);
  }
  // libzip compares the CRC when it meets the end, which takes one read more.
  std::byte beyond{};
  if (zip_fread(stream.get(), &beyond, 1) != 0)
    fail_damaged("zip entry {}: {}", name, zip_file_strerror(stream.get()));
  file_->release(file_->bytes());
  return content;
}

}  // namespace contentvec::checkpoint
