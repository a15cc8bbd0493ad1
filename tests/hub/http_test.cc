#include "hub/http.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "support.h"

namespace contentvec::hub {
namespace {

/// What a libcurl from another system is built to take.
constexpr const char* kElsewhere = "/nowhere/ca-bundle.crt";

TEST(Certificates, LibcurlsOwnWhereTheyAre) {
  unsetenv("SSL_CERT_FILE");
  const test::TemporaryFolder folder;
  test::write_file(folder / "own.crt", "certificates");
  EXPECT_EQ(certificates((folder / "own.crt").c_str()), "");
  EXPECT_EQ(certificates(nullptr), "") << "it takes the system's store";
}

TEST(Certificates, TheSystemsWhereLibcurlWasBuiltElsewhere) {
  unsetenv("SSL_CERT_FILE");
  const std::string found = certificates(kElsewhere);
  if (found.empty()) GTEST_SKIP() << "this system keeps no certificates in a usual place";
  EXPECT_TRUE(std::filesystem::exists(found)) << found;
}

TEST(Certificates, TheUsersFirst) {
  setenv("SSL_CERT_FILE", "/mine.pem", 1);
  EXPECT_EQ(certificates(kElsewhere), "/mine.pem");
  EXPECT_EQ(certificates(nullptr), "/mine.pem");
  setenv("SSL_CERT_FILE", "", 1);
  EXPECT_EQ(certificates(nullptr), "");
  unsetenv("SSL_CERT_FILE");
}

}  // namespace
}  // namespace contentvec::hub
