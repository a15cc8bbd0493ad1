#include "runtime/digest.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "runtime/fail.h"

namespace contentvec {

namespace {

/// `prefix`, then the file's content.
std::string digest(const EVP_MD* kind, const std::string& prefix, const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("cannot read {} to compute its digest; check that it exists and is readable", path.string());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1) fail("OpenSSL lacks a digest");
  EVP_DigestUpdate(context.get(), prefix.data(), prefix.size());
  std::vector<char> block(size_t{1} << 20);
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(in.gcount()));
  }
  if (in.bad()) fail("reading {} failed before its end; check the disk", path.string());
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(context.get(), bytes.data(), &length);
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

std::string sha256_of_file(const std::filesystem::path& path) {
  return digest(EVP_sha256(), "", path);
}

std::string git_blob_sha1_of_file(const std::filesystem::path& path) {
  std::error_code ignored;  // reading it says it better
  const std::string header = fmt::format("blob {}", std::filesystem::file_size(path, ignored));
  return digest(EVP_sha1(), header + '\0', path);
}

}  // namespace contentvec
