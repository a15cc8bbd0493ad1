#include "runtime/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "runtime/fail.h"

namespace contentvec {

namespace {

/// Of `prefix`, then the file's content.
std::string digest(const EVP_MD* kind, const std::string& prefix, const InputFile& file) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1) fail("OpenSSL lacks a digest");
  EVP_DigestUpdate(context.get(), prefix.data(), prefix.size());
  std::vector<std::byte> block(size_t{1} << 20);
  for (uint64_t at = 0; at < file.size(); at += block.size()) {
    block.resize(std::min<uint64_t>(block.size(), file.size() - at));
    file.read(at, block);
    EVP_DigestUpdate(context.get(), block.data(), block.size());
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(context.get(), bytes.data(), &length);
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

std::string sha256_of(const InputFile& file) {
  return digest(EVP_sha256(), "", file);
}

std::string sha256_of_file(const std::filesystem::path& path) {
  return sha256_of(InputFile(path));
}

std::string git_blob_sha1_of_file(const std::filesystem::path& path) {
  const InputFile file(path);
  return digest(EVP_sha1(), fmt::format("blob {}", file.size()) + '\0', file);
}

}  // namespace contentvec
