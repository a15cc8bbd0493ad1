#include "hub/replies.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "checkpoint/json_text.h"
#include "checkpoint/text.h"
#include "runtime/fail.h"

namespace contentvec::hub {
namespace {

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// An ETag without its quotes and mark of weakness.
std::string bare(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  return etag;
}

[[noreturn]] void fail_for_no_hub(const Response& response, const std::string& expected,
                                  const std::string& found) {
  fail("expected {} from {}, found {}; is it a Hugging Face hub? (HF_ENDPOINT)", expected,
       origin(response.url), checkpoint::quote(found));
}

int64_t size_of(const Response& response, const std::string& header) {
  const std::string text = response.header(header);
  if (text.empty()) return -1;
  int64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < 0)
    fail_for_no_hub(response, "the size of a file", text);
  return size;
}

}  // namespace

bool is_commit(const std::string& text) {
  return is_hex(text, 40);
}

RemoteFile remote_file_in(const Response& response) {
  RemoteFile file;
  file.commit = response.header(kCommit);
  if (!is_commit(file.commit)) fail_for_no_hub(response, "the id of a commit", file.commit);
  file.etag = bare(response.header(response.headers.contains(kLinkedEtag) ? kLinkedEtag : "etag"));
  if (!is_hex(file.etag, 64) && !is_hex(file.etag, 40))
    fail_for_no_hub(response, "a SHA-256 or SHA-1 as ETag", file.etag);
  file.size = size_of(response, kLinkedSize);
  if (file.size < 0 && !response.redirects()) file.size = size_of(response, "content-length");
  return file;
}

Listing listing_in(const Response& response, const std::string& text) try {
  const nlohmann::json parsed = checkpoint::parse_json(text);
  Listing listing;
  listing.commit = parsed.at("sha").get<std::string>();
  if (!is_commit(listing.commit)) fail("\"{}\" is no commit", listing.commit);
  for (const nlohmann::json& sibling : parsed.at("siblings"))
    listing.files.push_back(sibling.at("rfilename").get<std::string>());
  return listing;
} catch (const std::exception& error) {
  fail_for_no_hub(response, "a list of files", error.what());
}

}  // namespace contentvec::hub
