// What is refused before FAISS sees it. The file is the smallest there is: two vectors of three in two lists.

#include "retrieval/index_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support.h"

namespace contentvec::test {
namespace {

using retrieval::check_index_file;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

template <typename T>
std::string bytes_of(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

/// The fields of an index file; each test spoils one.
struct File {
  std::string type = "IwFl";
  int32_t dim = 3;
  int64_t size = 2;
  uint8_t trained = 1;
  int32_t metric = 1;
  uint64_t lists = 2;
  uint64_t nprobe = 1;
  std::string centres_type = "IxF2";
  int32_t centres_dim = 3;
  int64_t centres_size = 2;
  uint64_t centre_values = 6;
  std::string centres = std::string(24, '\0');
  uint8_t map_kind = 0;
  uint64_t map_size = 0;
  std::string map = {};
  std::string lists_type = "ilar";
  uint64_t array_lists = 2;
  uint64_t code_size = 12;
  std::string sizes_kind = "full";
  std::vector<uint64_t> sizes = {0, 2};
  std::string vectors = std::string(2 * (12 + 8), '\0');
  std::string after = {};

  [[nodiscard]] std::string text() const {
    const auto header = [&](int32_t width, int64_t count) {
      return bytes_of(width) + bytes_of(count) + bytes_of(int64_t{1} << 20) + bytes_of(int64_t{1} << 20) +
             bytes_of(trained) + bytes_of(metric);
    };
    std::string text = type + header(dim, size) + bytes_of(lists) + bytes_of(nprobe) + centres_type +
                       header(centres_dim, centres_size) + bytes_of(centre_values) + centres +
                       bytes_of(map_kind) + bytes_of(map_size) + map + lists_type + bytes_of(array_lists) +
                       bytes_of(code_size) + sizes_kind + bytes_of(uint64_t{sizes.size()});
    for (const uint64_t list_size : sizes) text += bytes_of(list_size);
    return text + vectors + after;
  }
};

void check(const std::string& text) {
  check_index_file(std::as_bytes(std::span(text)), "voice.index");
}

std::string error_for(const File& file) {
  return error_of([&] { check(file.text()); });
}

TEST(IndexFileTest, Good) {
  check(File().text());
  File sparse;
  sparse.sizes_kind = "sprs";
  sparse.sizes = {1, 2};  // list 1 has 2
  check(sparse.text());
  File mapped;
  mapped.map_kind = 1;
  mapped.map_size = 2;
  mapped.map = std::string(16, '\0');
  check(mapped.text());
  File hashed;
  hashed.map_kind = 2;
  hashed.map = bytes_of(uint64_t{2}) + std::string(32, '\0');
  check(hashed.text());
}

/// The smallest Flat index: two vectors of three.
std::string flat(const std::string& type = "IxF2", int64_t size = 2, int32_t metric = 1,
                 uint64_t values = 6) {
  return type + bytes_of(int32_t{3}) + bytes_of(size) + std::string(16, '\0') + bytes_of(uint8_t{1}) +
         bytes_of(metric) + bytes_of(values) + std::string(24, '\0');
}

TEST(IndexFileTest, Flat) {
  check(flat());
  EXPECT_THAT(error_of([] { check(flat("IxF2", 3)); }), AllOf(HasSubstr("damaged"), HasSubstr("as many")));
  EXPECT_THAT(error_of([] { check(flat("IxF2", 0)); }), HasSubstr("holds no vectors"));
  EXPECT_THAT(error_of([] { check(flat("IxF2", 2, 1, 7)); }), HasSubstr("cut short"));
  EXPECT_THAT(error_of([] { check(flat() + "x"); }), HasSubstr("goes on"));
  EXPECT_THAT(error_of([] { check(flat().substr(0, 60)); }), HasSubstr("cut short"));
  EXPECT_THAT(error_of([] { check(flat("IxFI", 2, 0)); }), HasSubstr("Flat with inner products (IxFI)"));
}

TEST(IndexFileTest, WhatFaissWrote) {
  for (const char* name : {"added.index", "sparse.index"}) {
    check_index_file(read_file(data() / "retrieval" / name), name);
  }
}

TEST(IndexFileTest, CutShortAnywhere) {
  const std::string whole = File().text();
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(error_of([&] { check(whole.substr(0, length)); }),
                HasSubstr("cannot open the index 'voice.index'"))
        << length;
  }
}

TEST(IndexFileTest, NoIndexAtAll) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "it is empty"},
      {"I", "no FAISS index"},
      {"Some words", "no FAISS index"},
      {"Ivory\xff", "no FAISS index"},
      {"\x93NUMPY and so on", "a NumPy array"},
      {"RIFF....WAVE", "a WAV sound file"},
      {"\x89PNG", "a picture"},
      {"BZh9", "unpack it"},
      {"PK\x03\x04 and so on", "a zip archive"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:12", "git lfs pull"},
      {"\n <!DOCTYPE html>", "a web page"},
      {"\xef\xbb\xbf<html>", "a web page"},
      {"<a/>", "a web page"},
      {"Invalid username or password.", "no FAISS index"},
  };
  for (const auto& [text, what] : files) {
    EXPECT_THAT(error_of([&bytes = text] { check(bytes); }),
                AllOf(HasSubstr(what), Not(HasSubstr("damaged"))))
        << text;
  }
}

TEST(IndexFileTest, AnotherKindOfIndex) {
  EXPECT_THAT(error_for({.type = "Iabc"}), AllOf(HasSubstr("type Iabc"), HasSubstr("contentvec index")));
  EXPECT_THAT(error_for({.type = "IwPQ"}), HasSubstr("product quantisation"));
  EXPECT_THAT(error_for({.type = "IwSq"}), HasSubstr("scalar quantisation"));
  EXPECT_THAT(error_for({.type = "IxMp"}), HasSubstr("IDMap"));
  EXPECT_THAT(error_for({.type = "IHNf"}), HasSubstr("HNSW (IHNf)"));
  EXPECT_THAT(error_for({.metric = 0}), AllOf(HasSubstr("L2 distances"), HasSubstr("inner product")));
  EXPECT_THAT(error_for({.centres_type = "IHNf"}),
              AllOf(HasSubstr("centres are HNSW"), Not(HasSubstr("damaged"))));
  EXPECT_THAT(error_for({.lists_type = "ilod"}), AllOf(HasSubstr("another file"), Not(HasSubstr("damaged"))));
}

TEST(IndexFileTest, VectorsThatAreCountedAndNotKept) {
  EXPECT_THAT(error_for({.size = 5}),
              AllOf(HasSubstr("counts 5 vectors and holds 2"), HasSubstr("NaN"), Not(HasSubstr("damaged"))));
}

TEST(IndexFileTest, TrainedOnly) {
  EXPECT_THAT(error_for({.size = 0}), AllOf(HasSubstr("trained_*.index"), HasSubstr("added_*.index")));
  EXPECT_THAT(error_for({.trained = 0}), HasSubstr("holds no vectors"));
  EXPECT_THAT(
      error_of([] { check_index_file(read_file(data() / "retrieval" / "trained.index"), "trained.index"); }),
      HasSubstr("give the added_*.index"));
}

TEST(IndexFileTest, Lies) {
  const uint64_t huge = uint64_t{1} << 62;
  const std::vector<std::pair<File, std::string>> lies = {
      {{.dim = 0}, "header"},
      {{.dim = -3}, "header"},
      {{.dim = 1 << 30}, "header"},
      {{.size = -1}, "header"},
      {{.size = 1}, "more vectors than it says"},
      {{.lists = 3}, "centres do not fit"},
      {{.nprobe = 0}, "no list"},
      {{.centres_type = "zzzz"}, "IndexFlatL2"},
      {{.centres_dim = 2}, "centres do not fit"},
      {{.centres_size = 1}, "centres do not fit"},
      {{.centre_values = 5}, "one per list"},
      {{.centre_values = huge}, "cut short"},
      {{.map_kind = 3}, "direct map"},
      {{.map_size = huge}, "cut short"},
      {{.lists_type = "il00"}, "array"},
      {{.array_lists = 1}, "do not fit"},
      {{.code_size = 8}, "do not fit"},
      {{.sizes_kind = "none"}, "sizes of its lists"},
      {{.sizes = {2}}, "one per list"},
      {{.sizes = {0, huge}}, "cut short"},
      {{.sizes = {huge, huge}}, "cut short"},
      {{.sizes = {1, 2}}, "cut short"},
      {{.sizes_kind = "sprs", .sizes = {1, 2, 0}}, "one per list"},
      {{.sizes_kind = "sprs", .sizes = {2, 2}}, "in order"},
      {{.sizes_kind = "sprs", .sizes = {1, 1, 0, 1}}, "in order"},
      {{.sizes_kind = "sprs", .sizes = {1, 1, 1, 1}}, "in order"},
      {{.after = "x"}, "goes on"},
  };
  for (size_t i = 0; i < lies.size(); ++i) {
    EXPECT_THAT(error_for(lies[i].first), AllOf(HasSubstr("damaged"), HasSubstr(lies[i].second)))
        << "lie " << i;
  }
  File no_lists{.lists = 0, .centres_size = 0, .centre_values = 0, .centres = ""};
  EXPECT_THAT(error_for(no_lists), HasSubstr("centres do not fit"));
}

}  // namespace
}  // namespace contentvec::test
