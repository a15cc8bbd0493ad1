#include "checkpoint/unpickler.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"
#include "checkpoint/pickle_json.h"
#include "support.h"

namespace contentvec::test {
namespace {

using checkpoint::pickle::to_json;
using checkpoint::pickle::unpickle;
using checkpoint::pickle::Values;
using nlohmann::json;
using std::string_literals::operator""s;
using ::testing::HasSubstr;

Values load(const std::string& bytes) {
  return unpickle(std::as_bytes(std::span(bytes)));
}

/// What the opcodes make, as JSON.
json made(const std::string& opcodes) {
  const std::string bytes = opcodes + ".";
  const Values values = load(bytes);
  EXPECT_EQ(values.bytes, bytes.size());
  return to_json(values, values.root);
}

struct Good {
  std::string opcodes;
  json expected;
};

TEST(Unpickler, Scalars) {
  const std::vector<Good> cases = {
      {"N", nullptr},
      {"\x88", true},
      {"\x89", false},
      {"I01\n", true},
      {"I00\n", false},
      {"I-17\n", -17},
      {"L123L\n", 123},
      {"L99999999999999999999L\n", nullptr},
      {"F0.5\n", 0.5},
      {"F1e-3\n", 1e-3},
      {"K\xff", 255},
      {"M\xe8\x03", 1000},
      {"J\xfe\xff\xff\xff", -2},
      {"G\x3f\xf8" + std::string(6, '\0'), 1.5},
      {"\x8a\0"s, 0},
      {"\x8a\x01\xff", -1},
      {"\x8a\x02\xff\0"s, 255},
      {"\x8b\x02\0\0\0\x01\x02"s, 513},
      {"\x8a\x08" + std::string(7, '\0') + "\x80", INT64_MIN},
      {"\x8a\x09" + std::string(8, '\0') + "\x01", nullptr},
      {"S'a\\x41\\n\\\\\\'\\101\\q'\n", "aA\n\\'A\\q"},
      {"S\"it's\"\n", "it's"},
      {"Vcaf\xe9 \\u00e9\\U0001f600\n", "caf\u00e9 \u00e9\U0001f600"},
      {"T\x02\0\0\0hi"s, "hi"},
      {"U\x02hi", "hi"},
      {"X\x02\0\0\0hi"s, "hi"},
      {"\x8c\x02hi", "hi"},
      {"\x8d\x02\0\0\0\0\0\0\0hi"s, "hi"},
      {"X\x01\0\0\0\xff"s, nullptr},
      {"C\x01x", nullptr},
      {"B\x01\0\0\0x"s, nullptr},
      {"\x8e\x01\0\0\0\0\0\0\0x"s, nullptr},
      {"\x96\x01\0\0\0\0\0\0\0x"s, nullptr},
  };
  for (const Good& good : cases)
    EXPECT_EQ(made(good.opcodes), good.expected) << ::testing::PrintToString(good.opcodes);
  EXPECT_TRUE(std::isinf(made("F-inf\n").get<double>()));
  EXPECT_TRUE(std::isnan(made("Fnan\n").get<double>()));
}

TEST(Unpickler, Containers) {
  const json pair = {1, 2};
  const std::vector<Good> cases = {
      {")", json::array()},
      {"]", json::array()},
      {"}", json::object()},
      {"\x8f", json::array()},
      {"K\x01\x85", {1}},
      {"K\x01K\x02\x86", pair},
      {"K\x01K\x02K\x03\x87", {1, 2, 3}},
      {"(K\x01K\x02t", pair},
      {"(K\x01K\x02l", pair},
      {"](K\x01K\x02"
       "e",
       pair},
      {"]K\x01"
       "aK\x02"
       "a",
       pair},
      {"(K\x01K\x02\x91", pair},
      {"\x8f(K\x01K\x02\x90", pair},
      {"(U\x01kK\x01"
       "d",
       {{"k", 1}}},
      {"}U\x01kK\x01s", {{"k", 1}}},
      {"}(U\x01kK\x01U\x01lK\x02u", {{"k", 1}, {"l", 2}}},
      {"}(K\x05K\x01Nu", json()},
      {"}(K\x05K\x01u", {{"5", 1}}},
      {"}(U\x01kK\x01U\x01kK\x02u", {{"k", 2}}},
  };
  for (const Good& good : cases) {
    if (good.expected.is_null()) continue;
    EXPECT_EQ(made(good.opcodes), good.expected) << ::testing::PrintToString(good.opcodes);
  }
}

TEST(Unpickler, MemoAndStack) {
  EXPECT_EQ(made("U\x01xq\x05"
                 "0]h\x05"
                 "a"),
            json({"x"}))
      << "BINPUT, BINGET";
  EXPECT_EQ(made("U\x01xr\0\0\x01\0"
                 "0]j\0\0\x01\0"
                 "a"s),
            json({"x"}))
      << "LONG_BINPUT, LONG_BINGET";
  EXPECT_EQ(made("U\x01xp77\n0]g77\na"), json({"x"})) << "PUT, GET";
  EXPECT_EQ(made("U\x01x\x94U\x01y\x94"
                 "00]h\x01"
                 "a"),
            json({"y"}))
      << "MEMOIZE";
  EXPECT_EQ(made("K\x01"
                 "2\x86"),
            json({1, 1}))
      << "DUP";
  EXPECT_EQ(made("K\x01(K\x02"
                 "1"),
            1)
      << "POP_MARK";
  EXPECT_EQ(made("K\x01(0"), 1) << "POP of a mark";
  EXPECT_EQ(made("\x80\x05\x95\x02\0\0\0\0\0\0\0K\x01"s), 1) << "PROTO, FRAME";
}

TEST(Unpickler, ObjectsAreInert) {
  const std::string state = named({{"a", integer(1)}});
  const json object = {{"a", 1}};
  EXPECT_EQ(made(global("argparse", "Namespace") + ")\x81" + state + "b"), object) << "NEWOBJ, BUILD";
  EXPECT_EQ(made(global("x", "Y") + ")}\x92" + state + "b"), object) << "NEWOBJ_EX";
  EXPECT_EQ(made("(ix\nY\n" + state + "b"), object) << "INST";
  EXPECT_EQ(made("(" + global("x", "Y") + "o" + state + "b"), object) << "OBJ";
  EXPECT_EQ(made("\x8c\x01x\x8c\x01Y\x93)R" + state + "b"), object) << "STACK_GLOBAL, REDUCE";
  EXPECT_EQ(made(global("x", "Y") + ")R" + state + "N\x86" + "b"), object) << "state and slots";
  EXPECT_EQ(made(global("x", "Dict") + ")R(U\x01"
                                       "aK\x01u"),
            object)
      << "items set in an object";
  EXPECT_EQ(made(global("x", "List") + ")R(K\x01"
                                       "e"),
            json({1}))
      << "items added to an object";
  EXPECT_EQ(made(call(global("enum", "Choice"), {text("layer_norm")})), "layer_norm") << "an enum";
  EXPECT_EQ(made(call(global("pathlib", "Path"), {text("a"), text("b")})), nullptr);
  EXPECT_EQ(made(global("os", "system")), nullptr);
  EXPECT_EQ(made(text("id") + "Q"), nullptr);
}

TEST(Unpickler, OrderedDictIsADict) {
  const std::string type = global("collections", "OrderedDict");
  EXPECT_EQ(made(call(type, {}) +
                 "(U\x01"
                 "aK\x01u" +
                 "}b"),
            json({{"a", 1}}));
  EXPECT_EQ(made(call(type, {list({list({text("a"), integer(1)}), tuple({text("b"), integer(2)})})})),
            json({{"a", 1}, {"b", 2}}));
}

TEST(Unpickler, OmegaConfUnwraps) {
  const auto node = [](const std::string& type, const std::string& field, const std::string& value) {
    return global("omegaconf." + type, "Node") + ")\x81" +
           named({{"_metadata", "N"}, {"_parent", "h\x63"}, {field, value}, {"_flags_cache", "N"}}) + "b";
  };
  // The outermost node is memoized before its state exists, so that children can name it as their parent.
  const std::string inner =
      named({{"encoder_layers", node("nodes", "_val", integer(12))},
             {"mode", node("nodes", "_val", call(global("fairseq", "Choice"), {text("default")}))},
             {"list", node("listconfig", "_content", list({node("nodes", "_val", integer(1))}))},
             {"missing", node("nodes", "_val", "N")}});
  const std::string config =
      global("omegaconf.dictconfig", "DictConfig") + ")\x81q\x63" +
      named({{"_content", named({{"model", node("dictconfig", "_content", inner)}})}}) + "b";
  const json expected = {
      {"model", {{"encoder_layers", 12}, {"mode", "default"}, {"list", {1}}, {"missing", nullptr}}}};
  EXPECT_EQ(made(config), expected);
}

TEST(Unpickler, NothingRuns) {
  const TemporaryFolder folder;
  const std::string touch = text("touch " + (folder / "ran").string());
  const std::string weight = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  for (const char* module : {"os", "posix", "nt", "builtins", "__builtin__", "subprocess", "torch._utils"})
    for (const char* name : {"system", "eval", "exec", "popen", "Popen", "_rebuild_tensor_v9"}) {
      const std::string attack = call(global(module, name), {touch});
      const auto checkpoint =
          open_bytes(torch_zip(named({{"w", weight}, {"evil", attack}}), {{"0", floats({1})}}));
      EXPECT_EQ(checkpoint.tensors.size(), 1U);
      EXPECT_THAT(error_of([&] { open_and_read(torch_zip(attack, {})); }),
                  HasSubstr(std::string(module) + "." + name));
    }
  EXPECT_FALSE(std::filesystem::exists(folder / "ran"));
}

/// Lists that each hold the one before twice: 2^n values once unfolded.
std::string doubling(const std::string& seed, int times) {
  std::string opcodes = seed;
  while (times-- > 0) opcodes += "2\x86";
  return opcodes;
}

TEST(Unpickler, SharingCostsNothing) {
  reset_largest_allocation();
  const std::string bytes = doubling("K\x01", 1000) + ".";
  EXPECT_LT(load(bytes).size(), 1100U);
  EXPECT_LT(largest_allocation(), size_t{1} << 20);
  EXPECT_THAT(error_of([] { made(doubling("K\x01", 30)); }), HasSubstr("more than 100000 values"));
  const std::string megabyte = text(std::string(1'000'000, 'x'));
  EXPECT_THAT(error_of([&] { made(doubling(megabyte, 6)); }), HasSubstr("bytes of text"));
}

TEST(Unpickler, DepthIsNoRecursion) {
  constexpr size_t kDeep = 1'000'000;
  EXPECT_EQ(load(")" + repeat("\x85", kDeep) + ".").size(), kDeep + 2) << "tuples around tuples";
  EXPECT_EQ(load(repeat("(", kDeep) + repeat("t", kDeep) + ".").size(), kDeep + 1) << "marks";
  EXPECT_EQ(load(repeat("]", kDeep) + repeat("a", kDeep - 1) + ".").size(), kDeep + 1) << "lists";
  json inner = made(")" + repeat("\x85", kDeep));
  int levels = 0;
  for (; inner.is_array() && !inner.empty(); inner = json(inner[0])) ++levels;
  EXPECT_EQ(levels, 32) << "JSON of what is too deep is null";
}

TEST(Unpickler, CyclesEnd) {
  EXPECT_EQ(made("]q\x01h\x01"
                 "a"),
            json::array({nullptr}))
      << "a list in itself";
  EXPECT_EQ(made("}q\x01U\x01kh\x01s"), json({{"k", nullptr}})) << "a dict in itself";
  EXPECT_EQ(made(global("x", "Y") + ")Rq\x01}U\x01kh\x01sb"), json({{"k", nullptr}}))
      << "an object in its state";
  EXPECT_EQ(made("]q\x01(h\x01h\x01h\x01"
                 "e"),
            json::array({nullptr, nullptr, nullptr}));
}

std::vector<Hostile> hostile_pickles() {
  return {
      {"Empty", "", "it takes 1 more bytes, 0 are left"},
      {"NoStop", "K\x01", "it takes 1 more bytes"},
      {"StopOfNothing", ".", "too few values"},
      {"UnknownOpcode", "\xfe.", "no such opcode: 0xfe"},
      {"ProtocolSix", "\x80\x06N.", "protocol 6 is not known"},
      {"FrameBeyondEnd", "\x95\xff\0\0\0\0\0\0\0N."s, "frames 255 bytes"},
      {"FrameHuge", "\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "frames 18446744073709551615 bytes"},
      {"TextBeyondEnd", "X\xff\xff\xff\xffhi.", "takes 4294967295 more bytes, 3 are left"},
      {"Text8Huge", "\x8d\xff\xff\xff\xff\xff\xff\xff\xffhi.", "takes 18446744073709551615 more bytes"},
      {"BytesBeyondEnd", "B\xff\xff\0\0hi."s, "takes 65535 more bytes"},
      {"Bytes8Huge", "\x8e\xff\xff\xff\xff\xff\xff\xff\x7fhi.", "takes 9223372036854775807 more bytes"},
      {"ByteArrayHuge", "\x96\0\0\0\0\x01\0\0\0hi."s, "takes 4294967296 more bytes"},
      {"ShortTextBeyondEnd", "U\x09hi.", "takes 9 more bytes"},
      {"TextNegative", "T\xff\xff\xff\xffhi.", "negative length -1"},
      {"LongNegative", "\x8b\xff\xff\xff\xff.", "negative length -1"},
      {"LongHuge", "\x8b\xff\xff\xff\x7f.", "takes 2147483647 more bytes"},
      {"NumberCut", "J\x01\x02", "takes 4 more bytes, 2 are left"},
      {"LineWithoutEnd", "I12", "a line, which does not end"},
      {"IntegerOfLetters", "Iabc\n.", "expected a decimal integer, found 'abc'"},
      {"IntegerEmpty", "I\n.", "expected a decimal integer, found ''"},
      {"RealOfLetters", "F1.5x\n.", "expected a decimal number"},
      {"RealLong", "F" + std::string(100'000, '1') + "\n.", "expected a decimal number"},
      {"StringUnquoted", "Sabc\n.", "expected a quoted string"},
      {"StringOneQuote", "S'\n.", "expected a quoted string"},
      {"EscapeCut", "S'\\x4'\n.", "malformed escape"},
      {"UnicodeCut", "V\\u12\n.", "malformed escape"},
      {"UnicodeBeyond", "V\\U00110000\n.", "no character U+110000"},
      {"PopOfNothing", "0.", "too few values"},
      {"DupOfNothing", "2.", "too few values"},
      {"TupleTooFew", "K\x01\x87.", "too few values"},
      {"TupleThroughMark", "K\x01(K\x02\x86.", "too few values"},
      {"MarkMissing", "K\x01t.", "no mark on the stack"},
      {"PopMarkMissing", "1.", "no mark on the stack"},
      {"SetItemsMarkMissing", "}u.", "no mark on the stack"},
      {"SetItemsOdd", "}(K\x01u.", "the last key has no value"},
      {"DictOdd",
       "(K\x01"
       "d.",
       "the last key has no value"},
      {"SetItemInList", "]K\x01K\x02s.", "no dictionary"},
      {"SetItemsInNothing", "(K\x01K\x02u.", "too few values"},
      {"AppendToDict",
       "}K\x01"
       "a.",
       "no list or set"},
      {"AppendToNothing",
       "K\x01"
       "a.",
       "too few values"},
      {"AddItemsToNumber", "K\x01(K\x02\x90.", "no list or set"},
      {"MemoUnset", "h\x05.", "nothing was memoized as number 5"},
      {"MemoUnsetHuge", "j\xff\xff\xff\xff.", "nothing was memoized as number 4294967295"},
      {"MemoHugeIsSparse",
       "Nr\xff\xff\xff\xff"
       "0j\xfe\xff\xff\xff.",
       "nothing was memoized as number 4294967294"},
      {"MemoNegative", "g-1\n.", "no memo number"},
      {"MemoOfNothing", "q\x01.", "too few values"},
      {"ReduceWithoutTuple", global("x", "y") + "]R.", "arguments that are no tuple"},
      {"ReduceOfNothing", ")R.", "too few values"},
      {"NewObjWithoutTuple", global("x", "y") + "N\x81.", "arguments that are no tuple"},
      {"ObjOfNothing", "(o.", "an object of no class"},
      {"StackGlobalOfNumbers", "K\x01K\x02\x93.", "by something that is no text"},
      {"GlobalCut", "cos\n", "a line, which does not end"},
      {"BuildOnNothing", "}b.", "too few values"},
      {"PersistentIdOfNothing", "Q.", "too few values"},
      {"Extension1", "\x82\x01.", "the extension registry"},
      {"Extension4", "\x84\x01\x01\x01\x01.", "the extension registry"},
      {"NextBuffer", "\x97.", "a buffer outside of the pickle"},
      {"ReadonlyBuffer", "\x98.", "a buffer outside of the pickle"},
      {"OrderedDictOfNumber", call(global("collections", "OrderedDict"), {"K\x01"}) + ".",
       "something other than pairs"},
      {"OrderedDictOfSingles", call(global("collections", "OrderedDict"), {list({"]"})}) + ".",
       "something other than pairs"},
      {"OrderedDictOverAndOver",
       list(std::vector<std::string>(1000, ")" + repeat("\x85", 0) +
                                               "N2\x86"
                                               "0")) +
           "0" + "](" + repeat("NN\x86", 1000) +
           "eq\x01"
           "0" +
           repeat(global("collections", "OrderedDict") + "h\x01\x85R0", 1000) + "N.",
       "the same pairs over and over"},
      {"ValuesMany", repeat("]", size_t{5} << 20) + ".", "more than 4194304 values"},
      {"MarksMany", repeat("(", size_t{5} << 20) + ".", "more than 4194304 values"},
      {"StackHigh", repeat("N", size_t{5} << 20) + ".", "more than 4194304 values"},
      {"MemoFull", "N" + repeat("\x94", size_t{5} << 20) + ".", "more than 4194304 values"},
  };
}

/// Each as the data.pkl of an otherwise sound zip file.
class HostilePickle : public ::testing::TestWithParam<Hostile> {};
TEST_P(HostilePickle, IsRefused) {
  std::vector<ZipEntry> entries(1);
  entries[0].name = "archive/data.pkl";
  entries[0].content = GetParam().bytes;
  expect_refused({GetParam().name, zip(entries), GetParam().expected});
}
INSTANTIATE_TEST_SUITE_P(, HostilePickle, ::testing::ValuesIn(hostile_pickles()), hostile_name);

}  // namespace
}  // namespace contentvec::test
