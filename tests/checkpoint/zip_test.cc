#include <gmock/gmock.h>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"
#include "support.h"

namespace contentvec::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kFour = floats({1, 2, 3, 4});

/// The good checkpoint's entries: data.pkl, data/0, data/1.
std::vector<ZipEntry> good_entries() {
  return torch_entries(good_object(), {{"0", kFour}, {"1", floats({5, 6})}});
}

std::string changed(size_t entry, const std::function<void(ZipEntry&)>& change,
                    const ZipOptions& options = {}) {
  std::vector<ZipEntry> entries = good_entries();
  change(entries[entry]);
  return zip(entries, options);
}

std::string with(const std::string& name, const std::string& content) {
  std::vector<ZipEntry> entries = good_entries();
  entries.emplace_back();
  entries.back().name = name;
  entries.back().content = content;
  return zip(entries);
}

/// A checkpoint of the one tensor "w" over a storage of four floats.
std::string one(const std::string& tensor_opcodes) {
  return torch_zip(named({{"w", tensor_opcodes}}), {{"0", kFour}});
}
const std::string kStorage = storage("FloatStorage", "0", 4);

void expect_good(const std::string& bytes) {
  const auto checkpoint = open_bytes(bytes);
  EXPECT_EQ(checkpoint.container, "torch zip");
  EXPECT_THAT(read(checkpoint.tensors.at("w")), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(read(checkpoint.tensors.at("b")), ElementsAre(5, 6));
}

TEST(TorchZip, Reads) {
  expect_good(good_zip());
  expect_good(with("archive/byteorder", "little"));
  expect_good(with("archive/../../../etc/passwd", "names are only ever looked up"));
}

TEST(TorchZip, ReadsZip64) {
  ZipOptions options;
  options.zip64 = true;
  expect_good(zip(good_entries(), options));
}

TEST(TorchZip, AnyRootFolder) {
  std::vector<ZipEntry> entries = good_entries();
  for (ZipEntry& entry : entries) entry.name.replace(0, 7, "\xc3\xa9 x");
  expect_good(zip(entries));
  for (ZipEntry& entry : entries) entry.name.erase(0, entry.name.find('/') + 1);
  expect_good(zip(entries));
}

TEST(TorchZip, TensorsOutliveTheCheckpoint) {
  const checkpoint::Tensor tensor = open_bytes(good_zip()).tensors.at("w");
  EXPECT_THAT(read(tensor), ElementsAre(1, 2, 3, 4));
}

TEST(TorchZip, StoragesAreReadOnlyWhenAskedFor) {
  const auto checkpoint = open_bytes(changed(2, [](ZipEntry& entry) { entry.crc = 1; }));
  EXPECT_THAT(read(checkpoint.tensors.at("w")), ElementsAre(1, 2, 3, 4));
  const std::string error = error_of([&] { read(checkpoint.tensors.at("b")); });
  EXPECT_THAT(error, HasSubstr("'archive/data/1': CRC"));
  EXPECT_THAT(error, HasSubstr(checkpoint.source));
}

TEST(TorchZip, TensorsShareAStorageAndItsBytes) {
  const std::string shared = "q\x07";  // memoized, then recalled
  const std::string object =
      named({{"w", tensor(kStorage + shared, 0, {2}, {2})}, {"v", tensor("h\x07", 1, {2}, {2})}});
  const auto checkpoint = open_bytes(torch_zip(object, {{"0", kFour}}));
  EXPECT_EQ(checkpoint.tensors.at("w").storage, checkpoint.tensors.at("v").storage);
  const auto handle = checkpoint.tensors.at("w").storage->read();
  EXPECT_EQ(handle, checkpoint.tensors.at("v").storage->read());
  EXPECT_THAT(read(checkpoint.tensors.at("v")), ElementsAre(2, 4));
}

// All of these names have one number in libzip's hash table, which takes the square of their time.
TEST(TorchZip, ManyEntriesAreRefusedBeforeTheirNamesAreFiled) {
  constexpr int kBits = 17;
  std::vector<ZipEntry> entries(size_t{1} << kBits);
  for (size_t i = 0; i < entries.size(); ++i)
    for (int bit = 0; bit < kBits; ++bit) entries[i].name += (i >> bit & 1) != 0 ? "Ez" : "FY";
  const std::string bytes = zip(entries, {.zip64 = true, .entry_count = {}});
  EXPECT_THAT(error_of([&] { open_bytes(bytes); }), HasSubstr("more than 16384 entries"));
}

TEST(TorchZip, OtherWaysToSpellATensor) {
  const std::vector<std::string> args = {kStorage, integer(0), sizes({4}), sizes({1})};
  const std::string plain = tensor(kStorage, 0, {4}, {1});
  const std::string untyped = tuple({text("storage"), global("torch.storage", "UntypedStorage"), text("0"),
                                     text("cpu"), integer(16)}) +
                              "Q";
  const std::vector<std::string> spellings = {
      call(global("torch._utils", "_rebuild_tensor"), args),
      call(global("torch._utils", "_rebuild_parameter"), {plain, "\x88", "N"}),
      call(global("torch._utils", "_rebuild_parameter_with_state"), {plain, "\x88", "N", "}"}),
      call(global("torch._utils", "_rebuild_tensor_v3"),
           {untyped, args[1], args[2], args[3], "\x89", "N", global("torch", "float32")}),
      call(global("torch._tensor", "_rebuild_from_type_v2"),
           {global("torch._utils", "_rebuild_tensor_v2"), global("my", "Tensor"),
            tuple({args[0], args[1], args[2], args[3], "\x89", "N"}), "}"}),
  };
  for (const std::string& spelling : spellings)
    EXPECT_THAT(read(open_bytes(one(spelling)).tensors.at("w")), ElementsAre(1, 2, 3, 4));
}

TEST(TorchZip, EveryStorageTypeIsKnown) {
  using checkpoint::ElementType;
  const std::vector<std::pair<const char*, ElementType>> types = {
      {"FloatStorage", ElementType::kF32},     {"HalfStorage", ElementType::kF16},
      {"BFloat16Storage", ElementType::kBF16}, {"DoubleStorage", ElementType::kF64},
      {"LongStorage", ElementType::kI64},      {"IntStorage", ElementType::kI32},
      {"ShortStorage", ElementType::kI16},     {"CharStorage", ElementType::kI8},
      {"ByteStorage", ElementType::kU8},       {"BoolStorage", ElementType::kBool}};
  for (const auto& [name, type] : types) {
    const auto size = static_cast<int64_t>(16 / checkpoint::element_size(type));
    const auto checkpoint = open_bytes(one(tensor(storage(name, "0", size), 0, {size}, {1})));
    EXPECT_EQ(checkpoint.tensors.at("w").type, type) << name;
  }
}

TEST(TorchZip, ATensorOfUnknownTypeStopsOnlyItsReader) {
  const std::string id =
      tuple({text("storage"), global("os", "FloatStorage"), text("0"), text("cpu"), integer(4)});
  const auto checkpoint = open_bytes(one(tensor(id + "Q", 0, {4}, {1})));
  EXPECT_THAT(error_of([&] { read(checkpoint.tensors.at("w")); }), HasSubstr("found a type unknown here"));
}

TEST(TorchZip, FindsTheTensorsWhereverTheyUsuallyAre) {
  const std::string weights = named({{"w", tensor(kStorage, 0, {4}, {1})}, {"n", "N"}, {"_metadata", "}"}});
  for (const char* key : {"model", "state_dict", "model_state_dict", "weights", "weight"}) {
    const auto checkpoint =
        open_bytes(torch_zip(named({{"epoch", integer(3)}, {key, weights}}), {{"0", kFour}}));
    EXPECT_EQ(checkpoint.tensors.size(), 1U) << key;
    EXPECT_THAT(read(checkpoint.tensors.at("w")), ElementsAre(1, 2, 3, 4)) << key;
  }
}

TEST(TorchZip, WhatNobodyNeedsDoesNotMatter) {
  // An optimizer state whose storage is missing, and an entry that cannot be read.
  const std::string broken = tensor(storage("FloatStorage", "missing", 4), 9, {9}, {9});
  const std::string object =
      named({{"model", named({{"w", tensor(kStorage, 0, {4}, {1})}})}, {"optimizer", broken}});
  EXPECT_EQ(open_bytes(torch_zip(object, {{"0", kFour}})).tensors.size(), 1U);
}

std::vector<Hostile> hostile_archives() {
  const std::string good = good_zip();
  const auto crc = [](ZipEntry& entry) { entry.crc = 1; };
  ZipOptions many, many64;
  many.entry_count = 60000;
  many64.zip64 = true;
  many64.entry_count = uint64_t{1} << 40;
  const std::string object = pickle(good_object());
  return {
      {"Truncated", good.substr(0, good.size() / 2), "cannot be opened as one"},
      {"HeadOnly", good.substr(0, 4), "cannot be opened as one"},
      {"Empty", zip({}), "without a data.pkl"},
      {"WrongCrcOfPickle", changed(0, crc), "CRC"},
      {"WrongCrcOfStorage", changed(1, crc), "CRC"},
      {"Encrypted", changed(1, [](ZipEntry& entry) { entry.flags = 1; }), "is encrypted"},
      {"EncryptedPickle", changed(0, [](ZipEntry& entry) { entry.flags = 1; }), "is encrypted"},
      {"Deflated", changed(1, [](ZipEntry& entry) { entry.method = 8; }), "is compressed"},
      {"DeflatedPickle", changed(0, [](ZipEntry& entry) { entry.method = 8; }), "is compressed"},
      {"UnknownMethod", changed(1, [](ZipEntry& entry) { entry.method = 98; }), "is compressed"},
      {"SizeLies", changed(1, [](ZipEntry& entry) { entry.size = 12; }), "its zip entry has 12 bytes"},
      {"SizeHuge", changed(1, [](ZipEntry& entry) { entry.size = 0xfffffff0U; }), "claims 4294967280 bytes"},
      {"PickleSizeHuge", changed(0, [](ZipEntry& entry) { entry.size = 0xfffffff0U; }),
       "claims 4294967280 bytes"},
      {"CountHuge", zip(good_entries(), many), "cannot be opened as one"},
      {"Count64Huge", zip(good_entries(), many64), "cannot be opened as one"},
      {"DuplicateEntry", with("archive/data/0", kFour), "'archive/data/0' occurs twice"},
      {"TwoPickles", with("other/data.pkl", object), "two data.pkl"},
      {"NoPickle", changed(0, [](ZipEntry& entry) { entry.name = "archive/data.json"; }),
       "without a data.pkl"},
      {"TorchScript", with("archive/constants.pkl", "x"), "a TorchScript program"},
      {"BigEndian", with("archive/byteorder", "big"), "little-endian numbers, found 'big' ones"},
      {"StorageMissing", changed(2, [](ZipEntry& entry) { entry.name = "archive/data/2"; }),
       "'archive/data/1', which is missing"},
      {"StorageOutside", one(tensor(storage("FloatStorage", "../../../../etc/passwd", 4), 0, {4}, {1})),
       "which is missing"},
  };
}

std::vector<Hostile> hostile_tensors() {
  const auto typed = [](std::string_view type, int64_t count) {
    return one(tensor(storage(type, "0", count), 0, {1}, {1}));
  };
  const auto view = [](int64_t offset, const std::vector<int64_t>& shape,
                       const std::vector<int64_t>& strides) {
    return one(tensor(kStorage, offset, shape, strides));
  };
  const std::string rebuild = global("torch._utils", "_rebuild_tensor_v2");
  const auto raw = [&](const std::string& offset, const std::string& shape, const std::string& strides) {
    return one(call(rebuild, {kStorage, offset, shape, strides, "\x89", "N"}));
  };
  constexpr int64_t kHuge = int64_t{1} << 62;
  const std::string twice =
      named({{"w", tensor(kStorage, 0, {4}, {1})}, {"w", tensor(kStorage, 0, {4}, {1})}});
  return {
      {"CountTooLarge", typed("FloatStorage", 5), "claims 5 elements of 4 bytes, but its zip entry has 16"},
      {"CountTooSmall", typed("FloatStorage", 3), "claims 3 elements of 4 bytes"},
      {"CountNegative", typed("FloatStorage", -4), "not a size"},
      {"CountWraps", typed("FloatStorage", kHuge + 4), "claims 4611686018427387908 elements"},
      {"TypeTooWide", typed("DoubleStorage", 4), "4 elements of 8 bytes"},
      {"TagWrong",
       one(tensor(
           tuple({text("module"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(4)}) + "Q",
           0, {4}, {1})),
       "does not name a storage"},
      {"IdTooShort", one(tensor(tuple({text("storage")}) + "Q", 0, {4}, {1})), "has 1 parts"},
      {"IdIsText", one(tensor(text("0") + "Q", 0, {4}, {1})), "is not a tuple"},
      {"ViewInZip",
       one(tensor(storage("FloatStorage", "0", 4, {tuple({text("v"), integer(0), integer(2)})}), 0, {2},
                  {1})),
       "is a view"},
      {"NoStorage", one(tensor(text("0"), 0, {4}, {1})), "something that is no storage"},
      {"ShapeTooLarge", view(0, {5}, {1}), "does not lie inside"},
      {"StrideTooLarge", view(0, {2, 2}, {3, 1}), "does not lie inside"},
      {"OffsetTooLarge", view(1, {4}, {1}), "does not lie inside"},
      {"OffsetWraps", view(INT64_MAX, {4}, {1}), "does not lie inside"},
      {"OffsetNegative", view(-1, {4}, {1}), "not a size"},
      {"StrideNegative", view(3, {4}, {-1}), "not a size"},
      {"StrideWraps", view(0, {5, 2}, {kHuge, 1}), "does not lie inside"},
      {"ShapeNegative", view(0, {-2, -2}, {2, 1}), "not a size"},
      {"ShapeWraps", view(0, {kHuge, 4}, {0, 0}), "impossible shape"},
      {"Expanded", view(0, {100'000, 100'000}, {0, 0}), "expanded view"},
      {"StridesMissing", view(0, {2, 2}, {1}), "2 dimensions and 1 strides"},
      {"DimensionsMany", view(0, std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1)), "65 dimensions"},
      {"ShapeIsList", raw(integer(0), list({integer(4)}), sizes({1})), "is not a tuple"},
      {"ShapeOfTexts", raw(integer(0), tuple({text("4")}), sizes({1})), "not a size"},
      {"OffsetIsHuge", raw("\x8a\x09" + std::string(8, '\0') + "\x01", sizes({4}), sizes({1})), "not a size"},
      {"ArgumentsMissing", one(call(rebuild, {kStorage, integer(0)})), "made from 2 arguments"},
      {"ParameterOfNothing", one(call(global("torch._utils", "_rebuild_parameter"), {})),
       "a parameter of nothing"},
      {"ParameterOfText", one(call(global("torch._utils", "_rebuild_parameter"), {text("x")})), "no tensor"},
      {"SubclassUnknown",
       one(call(global("torch._tensor", "_rebuild_from_type_v2"), {global("os", "system")})),
       "a tensor subclass"},
      {"NameTwice", torch_zip(twice, {{"0", kFour}}), "'w' occurs twice"},
      {"NameNotUtf8", torch_zip(named({{"\xff\xfe", tensor(kStorage, 0, {4}, {1})}}), {{"0", kFour}}),
       "'\\xff\\xfe' is not UTF-8"},
      {"NoTensors", torch_zip(named({{"epoch", integer(1)}}), {}), "a dictionary of 1 entries ['epoch']"},
      {"WholeModule", torch_zip(call(global("my.models", "Net"), {}) + "}b", {}),
       "an object of the class 'my.models.Net'"},
      {"NotADictionary", torch_zip(integer(1), {}), "something that is no dictionary"},
      {"AList", torch_zip(list({}), {}), "found a list"},
  };
}

class HostileZip : public ::testing::TestWithParam<Hostile> {};
TEST_P(HostileZip, IsRefused) {
  expect_refused(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Archive, HostileZip, ::testing::ValuesIn(hostile_archives()), hostile_name);
INSTANTIATE_TEST_SUITE_P(Tensor, HostileZip, ::testing::ValuesIn(hostile_tensors()), hostile_name);

}  // namespace
}  // namespace contentvec::test
