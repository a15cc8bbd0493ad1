#include "checkpoint/zip_archive.h"

#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

using namespace std::string_view_literals;

/// In a checkpoint there is one for each tensor. libzip keeps names in a hash table whose numbers whoever
/// made the file can choose, so that its time is the square of them.
constexpr size_t kMostEntries = 16'384;
/// Those in the last 64 kB of the file, which libzip reads twice.
constexpr size_t kReadTwice = 2'000;

[[noreturn]] void refuse_many_entries() {
  fail("the zip holds more than {} entries, which no checkpoint needs; save the state dict alone",
       kMostEntries);
}

/// libzip's account of what went wrong.
struct ZipError {
  zip_error_t error{};
  ZipError() { zip_error_init(&error); }
  ~ZipError() { zip_error_fini(&error); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  const char* text() { return zip_error_strerror(&error); }
};

/// The source by which libzip reads from an InputFile.
class FileSource {
 public:
  explicit FileSource(const InputFile& file) : file_(file) { zip_error_init(&error_); }

  /// From here on libzip may read as much as it likes: the directory has been read.
  void opened() { opening_ = false; }
  [[nodiscard]] bool too_many_entries() const { return entries_ > kMostEntries + kReadTwice; }

  static zip_int64_t call(void* self, void* data, zip_uint64_t length, zip_source_cmd_t command) {
    return static_cast<FileSource*>(self)->run(data, length, command);
  }

 private:
  zip_int64_t run(void* data, zip_uint64_t length, zip_source_cmd_t command) {
    switch (command) {
      case ZIP_SOURCE_OPEN:
        position_ = 0;
        return 0;
      case ZIP_SOURCE_CLOSE:
      case ZIP_SOURCE_FREE:
        return 0;
      case ZIP_SOURCE_READ:
        return read(static_cast<std::byte*>(data), length);
      case ZIP_SOURCE_STAT: {
        auto* status = static_cast<zip_stat_t*>(data);
        zip_stat_init(status);
        status->size = file_.size();
        status->valid |= ZIP_STAT_SIZE;
        return sizeof(*status);
      }
      case ZIP_SOURCE_SEEK: {
        const zip_int64_t to = zip_source_seek_compute_offset(position_, file_.size(), data, length, &error_);
        if (to < 0) return -1;
        position_ = static_cast<uint64_t>(to);
        return 0;
      }
      case ZIP_SOURCE_TELL:
        return static_cast<zip_int64_t>(position_);
      case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&error_, data, length);
      case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                              ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, -1);
      default:
        zip_error_set(&error_, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
  }

  zip_int64_t read(std::byte* data, zip_uint64_t length) {
    const auto count =
        static_cast<size_t>(std::min(length, file_.size() - std::min(position_, file_.size())));
    try {
      file_.read(position_, {data, count});
    } catch (const Error&) {  // libzip is C: check_length() says it again
      zip_error_set(&error_, ZIP_ER_READ, EIO);
      return -1;
    }
    if (opening_) count_entries({data, count});
    if (opening_ && too_many_entries()) {
      zip_error_set(&error_, ZIP_ER_READ, EIO);
      return -1;
    }
    position_ += count;
    return static_cast<zip_int64_t>(count);
  }

  /// How many entries the directory has, known before libzip files their names. Each begins with this mark.
  void count_entries(std::span<const std::byte> bytes) {
    constexpr std::string_view kMark = "PK\x01\x02"sv;
    const std::string_view text = as_text(bytes);
    for (size_t at = text.find(kMark); at != std::string_view::npos; at = text.find(kMark, at + 1))
      ++entries_;
  }

  const InputFile& file_;
  uint64_t position_ = 0;
  size_t entries_ = 0;
  bool opening_ = true;
  zip_error_t error_{};
};

/// The handle, and what it reads through.
std::shared_ptr<zip> open_zip(const InputFile& file) {
  const auto reader = std::make_shared<FileSource>(file);
  ZipError error;
  zip_source_t* source = zip_source_function_create(FileSource::call, reader.get(), &error.error);
  if (source == nullptr) fail("libzip: {}", error.text());
  zip_t* handle = zip_open_from_source(source, ZIP_RDONLY, &error.error);
  if (handle == nullptr) {
    zip_source_free(source);
    if (reader->too_many_entries()) refuse_many_entries();
    fail_damaged("it begins like a zip file, but cannot be opened as one: {}", error.text());
  }
  reader->opened();
  return {handle, [reader](zip* opened) { zip_discard(opened); }};
}

/// Throws Error where the file has become shorter, which libzip cannot know.
void check_length(const InputFile& file) {
  std::byte last{};
  file.read(file.size() - 1, {&last, 1});
}

[[noreturn]] void fail_writing(const char* what) {
  fail("cannot write an .npz file: {}", what);
}

void add_stored(zip_t* archive, const std::string& name, std::span<const std::byte> bytes) {
  zip_source_t* content = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  if (content == nullptr) fail_writing(zip_strerror(archive));
  const zip_int64_t index = zip_file_add(archive, name.c_str(), content, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(content);
    fail_writing(zip_strerror(archive));
  }
  const auto entry = static_cast<zip_uint64_t>(index);
  constexpr uint16_t kFirstDay = 0x21;  // of 1980: the same content gives the same bytes
  zip_set_file_compression(archive, entry, ZIP_CM_STORE, 0);
  zip_file_set_dostime(archive, entry, 0, kFirstDay, 0);
}

std::vector<std::byte> content_of(zip_source_t* source) {
  zip_stat_t stat{};
  if (zip_source_stat(source, &stat) != 0 || zip_source_open(source) != 0)
    fail_writing(zip_error_strerror(zip_source_error(source)));
  std::vector<std::byte> bytes(stat.size);
  const zip_int64_t read = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (read != static_cast<zip_int64_t>(bytes.size())) fail_writing("it is shorter than it should be");
  return bytes;
}

}  // namespace

ZipArchive::ZipArchive(std::shared_ptr<const InputFile> file)
    : file_(std::move(file)), handle_(open_zip(*file_)) {
  const zip_int64_t count = zip_get_num_entries(handle_.get(), 0);
  if (count > static_cast<zip_int64_t>(kMostEntries)) refuse_many_entries();
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
  if (status.size != status.comp_size || status.size > file_->size())
    fail_damaged("zip entry {} claims {} bytes in a file of {}", quote(name), status.size, file_->size());
  return {found->second, status.size};
}

std::shared_ptr<const std::byte[]> ZipArchive::read(const Entry& entry) const {
  const std::lock_guard lock(mutex_);  // libzip's handle is for one thread at a time
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> stream(
      zip_fopen_index(handle_.get(), entry.index, 0), zip_fclose);
  const std::string name = quote(zip_get_name(handle_.get(), entry.index, ZIP_FL_ENC_RAW));
  if (!stream) {
    check_length(*file_);
    fail_damaged("zip entry {}: {}", name, zip_strerror(handle_.get()));
  }
  const std::shared_ptr<std::byte[]> content(new std::byte[entry.size]);
  uint64_t done = 0;
  while (done < entry.size) {
    const zip_int64_t got = zip_fread(stream.get(), content.get() + done, entry.size - done);
    if (got <= 0) {
      check_length(*file_);
      fail_damaged("zip entry {} ends after {} of {} bytes: {}", name, done, entry.size,
                   zip_file_strerror(stream.get()));
    }
    done += static_cast<uint64_t>(got);
  }
  // libzip compares the CRC when it meets the end, which takes one read more.
  std::byte beyond{};
  if (zip_fread(stream.get(), &beyond, 1) != 0)
    fail_damaged("zip entry {}: {}", name, zip_file_strerror(stream.get()));
  return content;
}

std::vector<std::byte> ZipArchive::unpack(std::string_view name, uint64_t most) const {
  constexpr size_t kStep = size_t{1} << 20;  // memory is taken as it comes, not as the entry says
  const auto found = names_.find(name);
  if (found == names_.end()) fail_damaged("expected the zip entry {}, which is missing", quote(name));
  const std::lock_guard lock(mutex_);
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> stream(
      zip_fopen_index(handle_.get(), found->second, 0), zip_fclose);
  if (!stream) fail_damaged("zip entry {}: {}", quote(name), zip_strerror(handle_.get()));
  std::vector<std::byte> content;
  for (;;) {
    const size_t before = content.size();
    content.resize(before + kStep);
    const zip_int64_t got = zip_fread(stream.get(), content.data() + before, kStep);
    if (got < 0) fail_damaged("zip entry {}: {}", quote(name), zip_file_strerror(stream.get()));
    content.resize(before + static_cast<size_t>(got));
    if (content.size() > most) fail("zip entry {} unpacks to more than {} bytes", quote(name), most);
    if (got == 0) return content;
  }
}

std::vector<std::byte> zip_of(const std::string& name, std::span<const std::byte> content) {
  ZipError opening;
  zip_source_t* made = zip_source_buffer_create(nullptr, 0, 0, &opening.error);
  if (made == nullptr) fail_writing("out of memory");
  const std::unique_ptr<zip_source_t, decltype(&zip_source_free)> source(made, &zip_source_free);
  zip_source_keep(made);  // once for the archive, which lets go of it when it is closed
  std::unique_ptr<zip_t, decltype(&zip_discard)> archive(
      zip_open_from_source(made, ZIP_TRUNCATE, &opening.error), &zip_discard);
  if (archive == nullptr) {
    zip_source_free(made);
    fail_writing(opening.text());
  }
  add_stored(archive.get(), name, content);
  if (zip_close(archive.get()) != 0) fail_writing(zip_strerror(archive.get()));
  static_cast<void>(archive.release());
  return content_of(made);
}

}  // namespace contentvec::checkpoint
