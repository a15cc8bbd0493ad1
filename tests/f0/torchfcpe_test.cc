// FCPE by its name: Python's package, without Python.

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <optional>
#include <string>

#include "contentvec/pitch.h"
#include "f0/fcpe.h"
#include "made_up.h"
#include "support.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A home folder and variables of its own.
class TorchfcpeTest : public testing::Test {
 protected:
  TorchfcpeTest() {
    for (const char* name : kNames) {
      const char* value = ::getenv(name);
      before_.push_back(value == nullptr ? std::nullopt : std::optional<std::string>(value));
      ::unsetenv(name);
    }
    ::setenv("HOME", folder_.path().c_str(), 1);
    ::setenv("PATH", folder_.path().c_str(), 1);
  }
  ~TorchfcpeTest() override {
    for (size_t i = 0; i < before_.size(); ++i)
      before_[i] ? ::setenv(kNames[i], before_[i]->c_str(), 1) : ::unsetenv(kNames[i]);
  }

  /// A package below the folder of the test; returns what find_fcpe() is to say.
  fs::path install(const std::string& packages) {
    const fs::path package = folder_ / packages / "torchfcpe";
    fs::create_directories(package / "assets");
    // What is in a file its content says.
    test::write_tensors(package / "assets/fcpe_c_v001.pt",
                        test::references(f0::fcpe_tensors({.hidden = 16, .layers = 1})));
    return package;
  }

  test::TemporaryFolder folder_;

 private:
  static constexpr const char* kNames[] = {"HOME", "PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH"};
  std::vector<std::optional<std::string>> before_;
};

TEST_F(TorchfcpeTest, IsFoundWherePythonHasIt) {
  if (find_fcpe()) GTEST_SKIP() << "the system's Python has torchfcpe";
  EXPECT_THAT(test::error_of([] { PitchEstimator::load("fcpe"); }),
              HasSubstr("pip install --no-deps torchfcpe==0.0.4"));
  fs::create_directories(folder_ / "empty/lib/python3.12/site-packages/torchfcpe");  // without the weights
  install("home-of-python-2/lib/python2.7/site-packages");
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) ::setenv(name, (folder_ / "empty").c_str(), 1);
  EXPECT_EQ(find_fcpe(), std::nullopt);

  // Each place goes before those that were found before it.
  const fs::path home = install(".local/lib/python3.9/site-packages");
  EXPECT_EQ(find_fcpe(), home);
  const fs::path newer = install(".local/lib/python3.11/site-packages");
  EXPECT_EQ(find_fcpe(), newer) << "11 is more than 9";
  const fs::path linked = install("python/lib/python3/dist-packages");
  fs::create_directories(folder_ / "python/bin");
  test::write_file(folder_ / "python/bin/python3", std::string("not run"));
  fs::create_directories(folder_ / "venv/bin");
  fs::create_symlink(folder_ / "python/bin/python3", folder_ / "venv/bin/python3");
  ::setenv("PATH", (folder_.path().string() + "::" + (folder_ / "venv/bin").string()).c_str(), 1);
  EXPECT_EQ(find_fcpe(), fs::canonical(linked));
  const fs::path in_environment = install("venv/lib/python3.10/site-packages");
  EXPECT_EQ(find_fcpe(), in_environment);
  const fs::path conda = install("conda/lib/python3.10/site-packages");
  ::setenv("CONDA_PREFIX", (folder_ / "conda").c_str(), 1);
  EXPECT_EQ(find_fcpe(), conda);
  const fs::path active = install("active/lib/python3.10/site-packages");
  ::setenv("VIRTUAL_ENV", (folder_ / "active").c_str(), 1);
  EXPECT_EQ(find_fcpe(), active);
  const fs::path path = install("of-the-path");
  ::setenv("PYTHONPATH", (folder_ / "of-the-path").c_str(), 1);
  EXPECT_EQ(find_fcpe(), path);

  const PitchEstimator estimator = PitchEstimator::load("fcpe");
  EXPECT_EQ(estimator.method(), PitchMethod::kFcpe);
  EXPECT_THAT(estimator.source(), HasSubstr("of-the-path/torchfcpe/assets/fcpe_c_v001.pt"));
}

}  // namespace
}  // namespace contentvec
