#include "output/npy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "contentvec/error.h"
#include "output/npy_header.h"
#include "support.h"

namespace contentvec::output {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using test::write_npy;
using testing::AllOf;
using testing::HasSubstr;
using Shape = std::vector<int64_t>;
using namespace std::string_literals;

/// A .npy file with `dict` for its header and `values` behind it.
std::string npy(const std::string& dict, const std::string& values, char version = 1) {
  const std::string header = fmt::format("{}\n", dict);
  std::string start = "\x93NUMPY"s + version + '\0';
  for (size_t i = 0; i < (version == 1 ? 2u : 4u); ++i) start += static_cast<char>(header.size() >> (8 * i));
  return start + header + values;
}

std::string dict(const std::string& descr, const std::string& order, const std::string& shape) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr, order, shape);
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

NpyArray read(const std::string& file) {
  TemporaryFolder folder;
  test::write_file(folder / "in.npy", file);
  return read_npy(folder / "in.npy");
}

std::string error_for(const std::string& file) {
  return error_of([&] { read(file); });
}

TEST(WriteNpy, GivesTheBytesThatNumpyGives) {
  TemporaryFolder folder;
  const std::vector<std::pair<Shape, std::string>> shapes = {
      {{}, "()"}, {{6}, "(6,)"}, {{2, 3}, "(2, 3)"}, {{1, 2, 3}, "(1, 2, 3)"}};
  for (const auto& [shape, text] : shapes) {
    const std::vector<float> values =
        shape.empty() ? std::vector{1.5f} : std::vector{0.f, 1.f, 2.f, -3.f, 4.f, 5.5f};
    write_npy(folder / "out.npy", shape, values);
    std::string expected = "\x93NUMPY\x01\0v\0"s + dict("<f4", "False", text);
    expected.resize(127, ' ');
    expected.append("\n").append(bytes_of(values));
    const auto found = test::read_file(folder / "out.npy");
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(found.data()), found.size()), expected) << text;
  }
}

/// The expectations of the audio tests were written by numpy.
TEST(WriteNpy, GivesBackNumpysFilesBitForBit) {
  TemporaryFolder folder;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(test::data() / "audio")) {
    if (entry.path().extension() != ".npy") continue;
    const NpyArray array = read_npy(entry.path());
    write_npy(folder / "out.npy", array.shape, array.values);
    EXPECT_EQ(test::read_file(folder / "out.npy"), test::read_file(entry.path())) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 5);
}

TEST(WriteNpy, RoundTripsAnyShape) {
  TemporaryFolder folder;
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    Shape shape(random() % 6);
    size_t count = 1;
    for (int64_t& size : shape) {
      size = static_cast<int64_t>(random() % 7);
      count *= static_cast<size_t>(size);
    }
    std::vector<float> values(count);
    for (float& value : values)
      value = std::ldexp(static_cast<float>(random()), static_cast<int>(random() % 200) - 150);
    write_npy(folder / "out.npy", shape, values);
    const NpyArray array = read_npy(folder / "out.npy");
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(array.values, values);
    EXPECT_EQ((fs::file_size(folder / "out.npy") - count * sizeof(float)) % 64, 0u);
  }
}

TEST(WriteNpy, AlignsLongHeaders) {
  TemporaryFolder folder;
  for (size_t dimensions = 1; dimensions <= 64; ++dimensions) {
    write_npy(folder / "out.npy", Shape(dimensions, 1), std::vector{2.0f});
    EXPECT_EQ(fs::file_size(folder / "out.npy") % 64, 4u);
    EXPECT_EQ(read_npy(folder / "out.npy").shape.size(), dimensions);
  }
}

TEST(ReadNpy, WidensFloat16Exactly) {
  const std::vector<uint16_t> halves = {0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff,
                                        0x0400, 0x7bff, 0x3555, 0x7c00, 0xfc00};
  const auto values = read(npy(dict("<f2", "False", "(11,)"), bytes_of(halves))).values;
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(values, (std::vector<float>{0, -0.0f, 1, -2, 0x1p-24f, 0x3ffp-24f, 0x1p-14f, 65504, 0x1.554p-2f,
                                        infinity, -infinity}));
  EXPECT_TRUE(std::signbit(values[1]));
  EXPECT_TRUE(
      std::isnan(read(npy(dict("<f2", "False", "(1,)"), bytes_of(std::vector<uint16_t>{0x7e00}))).values[0]));
}

/// Of every type of numbers, and never of a file whose length is not what its header says.
TEST(ReadNpy, HeaderAloneOnceTheLengthFits) {
  test::TemporaryFolder folder;
  const auto header_of = [&](const std::string& descr, size_t bytes) {
    test::write_file(folder / "in.npy", npy(dict(descr, "False", "(2, 3)"), std::string(bytes, 'x')));
    return read_npy_header(folder / "in.npy");
  };
  for (const auto& [descr, size] :
       std::map<std::string, size_t>{{"<f4", 4}, {"<i8", 8}, {"|u1", 1}, {">c8", 8}}) {
    const NpyHeader header = header_of(descr, 6 * size);
    EXPECT_EQ(header.descr, descr);
    EXPECT_EQ(header.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_THROW(header_of(descr, 6 * size - 1), Error) << descr;
    EXPECT_THROW(header_of(descr, 6 * size + 1), Error) << descr;
  }
  for (const char* descr : {"|O", "<U7", "<f", "", "<f0", "<m8[s]"})
    EXPECT_THROW(header_of(descr, 24), Error) << descr;
}

TEST(ReadNpy, NarrowsFloat64) {
  const auto array = read(npy(dict("<f8", "False", "(3,)"), bytes_of(std::vector<double>{0.1, -1e-300, 3})));
  EXPECT_EQ(array.values, (std::vector<float>{0.1f, -0.0f, 3}));
}

TEST(ReadNpy, TurnsFortranOrderIntoC) {
  const std::string values = bytes_of(std::vector<float>{0, 3, 1, 4, 2, 5});
  EXPECT_EQ(read(npy(dict("<f4", "True", "(2, 3)"), values)).values, (std::vector<float>{0, 1, 2, 3, 4, 5}));
  std::vector<float> fortran(24);
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      for (size_t k = 0; k < 4; ++k) fortran[i + 2 * j + 6 * k] = static_cast<float>(12 * i + 4 * j + k);
    }
  }
  const auto array = read(npy(dict("<f4", "True", "(2, 3, 4)"), bytes_of(fortran)));
  for (size_t i = 0; i < 24; ++i) EXPECT_EQ(array.values[i], static_cast<float>(i));
  EXPECT_TRUE(read(npy(dict("<f4", "True", "(2, 0)"), "")).values.empty());
}

TEST(ReadNpy, TakesVersions1To3) {
  for (const char version : {'\1', '\2', '\3'}) {
    EXPECT_EQ(read(npy(dict("<f4", "False", "(1,)"), bytes_of(std::vector{7.0f}), version)).values[0], 7)
        << int{version};
  }
  EXPECT_THAT(error_for(npy(dict("<f4", "False", "()"), "1234", 4)), HasSubstr("found 4.0"));
}

TEST(ReadNpy, RefusesOtherTypes) {
  EXPECT_THAT(error_for(npy(dict("|O", "False", "(1,)"), "pickled")), HasSubstr("pickled Python objects"));
  for (const std::string type : {">f4", "<i4", "<c8", "<f16", "<U3", ""}) {
    EXPECT_THAT(error_for(npy(dict(type, "False", "(1,)"), "1234")),
                HasSubstr(fmt::format("found '{}'", type)))
        << type;
  }
  EXPECT_THAT(error_for(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234")),
              HasSubstr("structured"));
}

TEST(ReadNpy, RefusesAFileOfAnotherSize) {
  EXPECT_THAT(error_for(npy(dict("<f4", "False", "(2,)"), "1234")),
              HasSubstr("announces 8 bytes of values, found 4"));
  EXPECT_THAT(error_for(npy(dict("<f4", "False", "(1,)"), "12345")),
              HasSubstr("announces 4 bytes of values, found 5"));
  EXPECT_THAT(error_for(npy(dict("<f4", "False", "(0, 3)"), "1234")), HasSubstr("announces 0"));
  EXPECT_THAT(error_for(npy(dict("<f4", "False", "(1000000000000000,)"), "")), HasSubstr("found 0"));
}

TEST(ReadNpy, RefusesSizesWhoseProductWraps) {
  for (const char* shape :
       {"(4611686018427387904, 1)", "(4294967296, 4294967296)", "(0, 4294967296, 4294967296)"}) {
    EXPECT_THAT(error_for(npy(dict("<f4", "False", shape), "")), HasSubstr("beyond 64 bits")) << shape;
  }
}

TEST(ReadNpy, RefusesEveryShorterFile) {
  const std::string whole = npy(dict("<f4", "False", "(2,)"), "12345678", 2);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(error_for(whole.substr(0, size)),
                testing::AnyOf(HasSubstr("the file ends within its "), HasSubstr("announces 8 bytes")))
        << size;
  }
}

TEST(ReadNpy, SaysWhatIsWrongWithThePath) {
  TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { read_npy(folder / "none.npy"); }),
              AllOf(HasSubstr("none.npy'"), HasSubstr("no such file")));
  EXPECT_THAT(error_of([&] { read_npy(folder.path()); }), HasSubstr("it is a folder"));
  EXPECT_THAT(error_of([&] { read_npy("/dev/null"); }), HasSubstr("expected a regular .npy file"));
  EXPECT_THAT(error_for("RIFF....WAVEfmt "), HasSubstr("not a .npy file"));
  EXPECT_THAT(error_for("\x93NUMPY\2\0\xff\xff\xff\x7f"s), HasSubstr("its header of 2147483647 bytes"));
}

TEST(NpyHeader, TakesAnyOrderQuotesAndSpace) {
  const auto header = parse_npy_header("{\"shape\" :( 3 ,4,) ,'fortran_order':True,\n'descr':'<f8'}   \n");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->shape, (Shape{3, 4}));
  EXPECT_TRUE(header->fortran_order);
  EXPECT_EQ(header->descr, "<f8");
}

TEST(NpyHeader, RefusesAnythingElse) {
  EXPECT_TRUE(parse_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"));
  for (const char* text :
       {"", "{", "{}", "{'descr': '<f4', 'fortran_order': False, }", "{'descr': '<f4', 'shape': (1,)}",
        "{'fortran_order': False, 'shape': (1,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
        "'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,),,}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
        "{'descr': <f4, 'fortran_order': False, 'shape': (1,)}",
        "{'descr: '<f4', 'fortran_order': False, 'shape': (1,)}"}) {
    EXPECT_FALSE(parse_npy_header(text)) << text;
  }
}

TEST(NpyHeader, RefusesWhatIsNoShape) {
  for (const char* shape : {"(1)", "1", "(-1,)", "(,)", "(1 2)", "(1,,2)", "(1.5,)", "(9223372036854775808,)",
                            "(1,", "[1]", "(", "", "None", "(1, 'a')", "(0x1,)"}) {
    EXPECT_FALSE(parse_npy_header(dict("<f4", "False", shape))) << shape;
  }
  EXPECT_TRUE(parse_npy_header(dict("<f4", "False", "(9223372036854775807,)")));
}

TEST(NpyHeader, SurvivesRandomChanges) {
  const std::string whole = dict("<f4", "False", "(12, 34)");
  std::mt19937 random(9);
  for (int trial = 0; trial < 20'000; ++trial) {
    std::string text = whole;
    for (int i = 0; i < 3; ++i) text[random() % text.size()] = "(){}',: 09TFx\"\n"[random() % 15];
    text.resize(random() % (text.size() + 1));
    parse_npy_header(text);
  }
}

}  // namespace
}  // namespace contentvec::output
