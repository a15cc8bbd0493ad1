#include "checkpoint/torch_state.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"
#include "support.h"

// Where the tensors of a torch file are, and what they may be.

namespace contentvec::test {
namespace {

using checkpoint::Checkpoint;
using checkpoint::ElementType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kOne = storage("FloatStorage", "0", 1);

std::string one_tensor() {
  return tensor(kOne, 0, {1}, {1});
}
/// A state dict of one tensor.
std::string state(std::string_view name) {
  return named({{std::string(name), one_tensor()}});
}
std::string speech(std::string_view prefix = "") {
  return state(std::string(prefix) + "feature_extractor.conv_layers.0.0.weight");
}

std::vector<std::string> names_of(const std::string& object) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : open_bytes(torch_zip(object, {{"0", floats({1})}})).tensors)
    names.push_back(name);
  return names;
}

TEST(TorchState, TheDictionaryWithTheModelIsFoundWhereverItLies) {
  const std::vector<std::string> model = {"feature_extractor.conv_layers.0.0.weight"};
  EXPECT_EQ(names_of(speech()), model);
  for (const char* key : {"model", "module", "ema", "hubert", "whatever it is called"})
    EXPECT_EQ(names_of(named({{"step", integer(1)}, {key, speech()}})), model) << key;
  EXPECT_EQ(names_of(named({{"model", state("unrelated")}, {"ema", named({{"model", speech()}})}})), model);
  EXPECT_EQ(names_of(named({{"optimizer", named({{"state", state("exp_avg")}})}, {"net", speech()}})), model);
  std::string deep = speech();
  for (int i = 0; i < 8; ++i) deep = named({{"inside", deep}});
  EXPECT_EQ(names_of(deep), model);
  EXPECT_THAT(error_of([&] {
                names_of(named({{"inside", deep}}));
              }),
              AllOf(HasSubstr("at most 8 dictionaries"), HasSubstr("with more inside than is looked at")));
}

TEST(TorchState, OfSeveralModelsTheUsualNameCounts) {
  EXPECT_THAT(names_of(named({{"ema", speech("ema.")}, {"model", speech("model.")}})),
              ElementsAre(HasSubstr("model.")));
  EXPECT_THAT(names_of(named({{"state_dict", speech("a.")}, {"model", speech("b.")}})),
              ElementsAre(HasSubstr("b.")));
  EXPECT_THAT(names_of(named({{"model", speech("b.")}, {"ema", named({{"model", speech("in.")}})}})),
              ElementsAre(HasSubstr("b.")))
      << "the outermost";
  EXPECT_THAT(
      names_of(named({{"feature_extractor.conv_layers.0.0.weight", one_tensor()}, {"_ema", speech("e.")}})),
      ElementsAre(testing::StartsWith("feature_extractor")));
}

// One of them, taken without a word, would be the wrong one half of the time.
TEST(TorchState, TwoModelsThatNothingTellsApartAreRefused) {
  const auto several = [](const std::string& object) { return error_of([&] { names_of(object); }); };
  EXPECT_THAT(several(named({{"a", speech()}, {"b", speech()}})),
              AllOf(HasSubstr("more than one model, ['a'] and ['b']"), HasSubstr("torch.load(FILE)['a']")));
  EXPECT_THAT(several(named({{"student", speech()}, {"teacher", speech()}})),
              HasSubstr("more than one model"));
  EXPECT_THAT(several(named({{"a", named({{"model", speech("in.")}})}, {"b", speech("b.")}})),
              HasSubstr("['b'] and ['a']['model']"));
  EXPECT_THAT(
      several(named({{"epoch1", named({{"model", speech()}})}, {"epoch2", named({{"model", speech()}})}})),
      HasSubstr("['epoch1']['model'] and ['epoch2']['model']"));
  EXPECT_THAT(several(tuple({speech(), speech()})), HasSubstr("[0] and [1]"));
  EXPECT_THAT(several(named({{"model", tuple({speech(), speech()})}})),
              HasSubstr("['model'][0] and ['model'][1]"));
}

TEST(TorchState, AModelInAListIsFound) {
  const std::vector<std::string> model = {"feature_extractor.conv_layers.0.0.weight"};
  EXPECT_EQ(names_of(tuple({speech()})), model);
  EXPECT_EQ(names_of(tuple({integer(3), named({{"step", integer(1)}}), speech()})), model);
  EXPECT_EQ(names_of(named({{"models", tuple({speech()})}})), model);
  EXPECT_EQ(names_of("](" + speech() + "e"), model) << "a list";
  // A list, memoized, that holds itself and the model.
  EXPECT_EQ(names_of("]q\x01(h\x01" + speech() + "e"), model);
}

TEST(TorchState, WhatHoldsNoNamedTensorsIsDescribed) {
  const std::string numbered = "}" + integer(0) + one_tensor() + "s" + integer(1) + one_tensor() + "s";
  EXPECT_THAT(error_of([&] { names_of(numbered); }),
              AllOf(HasSubstr("under their names"), HasSubstr("a dictionary of 2 entries [0, 1]")));
  EXPECT_THAT(error_of([] { names_of("]"); }), HasSubstr("found a list"));
}

TEST(TorchState, ADictionaryInItselfIsNoEndlessSearch) {
  // A dictionary, memoized, set as its own member.
  const std::string cyclic = "}q\x01" + text("self") + "h\x01s" + text("w") + one_tensor() + "s";
  EXPECT_THAT(names_of(cyclic), ElementsAre("w"));
}

TEST(TorchState, WhatElseTheFileSaysIsKept) {
  const std::string object = named({{"weight", state("enc_p.emb_phone.weight")},
                                    {"config", "(" + integer(1025) + integer(32) + "t"},
                                    {"info", text("20epoch")},
                                    {"f0", integer(1)},
                                    {"a_tensor", one_tensor()},
                                    {"optimizer", named({{"step", integer(7)}, {"exp_avg", one_tensor()}})}});
  const Checkpoint file = open_bytes(torch_zip(object, {{"0", floats({1})}}));
  EXPECT_EQ(file.entries, nlohmann::json::parse(R"({"config": [1025, 32], "info": "20epoch", "f0": 1,
                                                    "optimizer": {"step": 7, "exp_avg": null}})"));
  EXPECT_TRUE(file.entries_beside.is_null());
  EXPECT_EQ(file.tensors.size(), 1U);
}

TEST(TorchState, WhatIsSaidBesideTensorsThatLieDeeperIsKept) {
  const std::string object = named(
      {{"step", integer(3)}, {"Upstream", named({{"model_weight", speech()}, {"model_cfg", text("here")}})}});
  const Checkpoint file = open_bytes(torch_zip(object, {{"0", floats({1})}}));
  EXPECT_EQ(file.entries.at("step"), 3);
  EXPECT_EQ(file.entries_beside, nlohmann::json::parse(R"({"model_cfg": "here"})"));
}

/// A list of two references to a list of two references and so on, 2^depth values in all.
std::string unfolding(int depth) {
  std::string list = "]";
  for (int i = 0; i < depth; ++i)
    list = "](" + list + "q" + std::string(1, static_cast<char>(i)) + "h" +
           std::string(1, static_cast<char>(i)) + "e";
  return list;
}

TEST(TorchState, AnEntryThatUnfoldsWithoutEndIsNotRead) {
  const std::string object =
      named({{"bomb", unfolding(24)}, {"sr", text("40k")}, {"weight", speech()}, {"version", text("v2")}});
  const Checkpoint file = open_bytes(torch_zip(object, {{"0", floats({1})}}));
  EXPECT_EQ(file.entries, nlohmann::json::parse(R"({"sr": "40k", "version": "v2"})"));
  EXPECT_THAT(file.unread_entries.at("bomb"), HasSubstr("more than 100000 values"));
}

std::string marked(std::string_view mark, bool set) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {kOne, integer(0), sizes({1}), sizes({1}), "\x89", "}",
               named({{std::string(mark), set ? "\x88" : "\x89"}})});
}

TEST(TorchState, TensorsThatStandForOthersThanTheyStoreAreRefused) {
  EXPECT_THAT(error_of([] {
                names_of(named({{"w", marked("neg", true)}}));
              }),
              AllOf(HasSubstr("'w'"), HasSubstr("negative bit"), HasSubstr("resolve_neg()")));
  EXPECT_THAT(error_of([] { names_of(named({{"w", marked("conj", true)}})); }), HasSubstr("resolve_conj()"));
  EXPECT_THAT(names_of(named({{"w", marked("neg", false)}})), ElementsAre("w"));
}

TEST(TorchState, SparseAndQuantisedTensorsAreKnownAsSuch) {
  const std::string sparse =
      call(global("torch._utils", "_rebuild_sparse_tensor"), {text("layout"), tuple({})});
  const std::string quantised = call(global("torch._utils", "_rebuild_qtensor"), {kOne});
  const Checkpoint file = open_bytes(
      torch_zip(named({{"s", sparse}, {"q", quantised}, {"w", one_tensor()}}), {{"0", floats({1})}}));
  EXPECT_EQ(file.tensors.at("s").type, ElementType::kSparse);
  EXPECT_EQ(file.tensors.at("q").type, ElementType::kQuantised);
  EXPECT_THAT(error_of([&] { read(file.tensors.at("s")); }), HasSubstr("to_dense()"));
  EXPECT_THAT(error_of([&] { read(file.tensors.at("q")); }), HasSubstr("dequantize()"));
}

// Some kilobytes of names would otherwise stand for gigabytes of weights.
TEST(TorchState, SharedStoragesStandForNoMoreThanFourTimesTheFile) {
  const auto shared = [](int count) {
    constexpr int64_t kElements = 10'000;
    std::vector<std::pair<std::string, std::string>> tensors;
    for (int i = 0; i < count; ++i)
      tensors.emplace_back(std::to_string(i),
                           tensor(storage("FloatStorage", "0", kElements), 0, {kElements}, {1}));
    return torch_zip(named(tensors), {{"0", std::string(4 * kElements, 0)}});
  };
  EXPECT_EQ(open_bytes(shared(4)).tensors.size(), 4U);
  EXPECT_THAT(error_of([&] { open_bytes(shared(8)); }), HasSubstr("more than 4 times the file's"));
}

// In a hash table all of these numbers would come to lie in one place, and take the square of their time.
TEST(TorchState, MemoNumbersCannotBeChosenToCollide) {
  constexpr uint64_t kStep = uint64_t{172933} * 351061;
  std::string body = "\x80\x02}";
  for (uint64_t i = 1; i < 200'000; ++i) body += "p" + std::to_string(i * kStep) + "\n";
  const std::string file = zip({{"a/data.pkl", body + "."}});
  EXPECT_THAT(error_of([&] { open_bytes(file); }), HasSubstr("expected a dictionary of tensors"));
}

/// Two tensors that share a storage of three.
std::string sharing(const std::string& stored) {
  return named({{"v", tensor(stored, 0, {2}, {1})}, {"w", tensor(stored, 1, {2}, {1})}});
}

// Read anew for each of many tensors, it would take any number of times as long as the file.
TEST(TorchState, ASharedStorageIsReadOnce) {
  const std::string object = sharing(storage("FloatStorage", "0", 3));
  for (const std::string& bytes :
       {torch_zip(object, {{"0", floats({1, 2, 3})}}), torch_legacy(object, {{"0", floats({1, 2, 3})}})}) {
    const Checkpoint file = open_bytes(bytes);
    EXPECT_EQ(file.tensors.at("v").storage->read(), file.tensors.at("w").storage->read());
    EXPECT_THAT(read(file.tensors.at("w")), ElementsAre(2, 3));
  }
}

// Each a few elements of another view of nearly everything.
TEST(TorchState, ViewsOfAStorageDoNotOverlapWithoutEnd) {
  constexpr int64_t kElements = 10'000;
  std::vector<std::pair<std::string, std::string>> tensors;
  for (int64_t i = 0; i < 8; ++i) {
    const std::string view = tuple({text("view"), integer(i), integer(kElements - i)});
    tensors.emplace_back(std::to_string(i),
                         tensor(storage("FloatStorage", "0", kElements, {view}), 0, {1}, {1}));
  }
  const std::string bytes = torch_legacy(named(tensors), {{"0", std::string(4 * kElements, 0)}});
  EXPECT_THAT(error_of([&] { open_bytes(bytes); }), HasSubstr("more than 4 times the file's"));
}

// A long text costs its bytes once; each further mention of it costs two.
TEST(TorchState, WhatIsMentionedAgainAndAgainIsShort) {
  const std::string key = std::string("X") + little(1 << 20, 4) + std::string(1 << 20, 'k') + "q\x05";
  std::string names = "}" + key + one_tensor() + "q\x06" + "s";
  for (int i = 0; i < 200'000; ++i) names += "h\x05h\x06s";
  EXPECT_THAT(error_of([&] { names_of(names); }), HasSubstr("occurs twice"));

  const std::string long_shape = "(" + repeat(integer(1), 1000) + "t";
  const std::string shaped = call(global("torch._utils", "_rebuild_tensor_v2"),
                                  {kOne, integer(0), long_shape, long_shape, "\x89", "}"});
  EXPECT_THAT(error_of([&] { names_of(named({{"w", shaped}})); }), HasSubstr("1000 dimensions"));

  const std::string stored = storage("FloatStorage", std::string(2000, 'k'), 1);
  EXPECT_THAT(error_of([&] {
                names_of(named({{"w", tensor(stored, 0, {1}, {1})}}));
              }),
              HasSubstr("2000 bytes, expected at most 1024"));

  std::vector<std::pair<std::string, std::string>> many(100, {"neg", "\x89"});
  const std::string with_marks = call(global("torch._utils", "_rebuild_tensor_v2"),
                                      {kOne, integer(0), sizes({1}), sizes({1}), "\x89", "}", named(many)});
  EXPECT_THAT(error_of([&] { names_of(named({{"w", with_marks}})); }), HasSubstr("100 marks"));
}

}  // namespace
}  // namespace contentvec::test
