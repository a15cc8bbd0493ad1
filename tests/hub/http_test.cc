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

TEST(RetryAfter, SecondsAndDates) {
  EXPECT_EQ(seconds_to_wait("7", 0), 7);
  EXPECT_EQ(seconds_to_wait("Sun, 06 Nov 1994 08:49:37 GMT", 784111770), 7);
  EXPECT_EQ(seconds_to_wait("Sun, 06 Nov 1994 08:49:37 GMT", 784111800), 0);
  for (const char* neither : {"", "-1", "soon", "1.5", "99999999999999999999"})
    EXPECT_EQ(seconds_to_wait(neither, 0), std::nullopt) << neither;
}

TEST(Login, IsNotShown) {
  EXPECT_EQ(without_login("https://me:secret@host:1/a@b"), "https://host:1/a@b");
  EXPECT_EQ(without_login("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(without_login("org/repo@v1"), "org/repo@v1");
}

}  // namespace
}  // namespace contentvec::hub
