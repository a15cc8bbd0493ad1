#include "synthesizer/voice_config_json.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "runtime/fail.h"

namespace contentvec::synthesizer {
namespace {

using nlohmann::json;

constexpr std::array kFields = {"spec_channels",
                                "segment_size",
                                "inter_channels",
                                "hidden_channels",
                                "filter_channels",
                                "n_heads",
                                "n_layers",
                                "kernel_size",
                                "p_dropout",
                                "resblock",
                                "resblock_kernel_sizes",
                                "resblock_dilation_sizes",
                                "upsample_rates",
                                "upsample_initial_channel",
                                "upsample_kernel_sizes",
                                "spk_embed_dim",
                                "gin_channels",
                                "sr"};

std::string shown(const json& value) {
  constexpr size_t kMost = 60;
  if (value.is_structured())
    return fmt::format("{} of {} entries", value.is_array() ? "a list" : "an object", value.size());
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
}

/// Typed reading of an object's fields.
class VoiceFields {
 public:
  VoiceFields(const json& object, const std::string& origin) : object_(object), origin_(origin) {}

  [[nodiscard]] const json& at(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) fail("{}: a voice's configuration without {}", origin_, name);
    return *found;
  }
  [[nodiscard]] int64_t number(const char* name) const { return number(name, at(name)); }
  [[nodiscard]] std::vector<int64_t> numbers(const char* name) const { return numbers(name, at(name)); }
  [[nodiscard]] std::vector<std::vector<int64_t>> lists(const char* name) const {
    std::vector<std::vector<int64_t>> lists;
    for (const json& entry : list(name, at(name))) lists.push_back(numbers(name, entry));
    return lists;
  }
  /// "1", as RVC has it, or 1.
  [[nodiscard]] int resblock() const {
    const json& value = at("resblock");
    if (value == "1" || value == 1) return 1;
    if (value == "2" || value == 2) return 2;
    wrong("resblock", "\"1\" or \"2\"", value);
  }
  [[nodiscard]] bool f0() const {
    const auto found = object_.find("f0");
    if (found == object_.end() || *found == 1 || *found == true) return true;
    if (*found == 0 || *found == false) return false;
    wrong("f0", "0 or 1", *found);
  }
  [[nodiscard]] std::string version() const {
    const auto found = object_.find("version");
    if (found == object_.end()) return "v1";
    if (*found != "v1" && *found != "v2") wrong("version", "\"v1\" or \"v2\"", *found);
    return found->get<std::string>();
  }
  [[nodiscard]] std::string embedder(const std::string& otherwise) const {
    const auto found = object_.find("embedder_model");
    if (found == object_.end()) return otherwise;
    if (!found->is_string()) wrong("embedder_model", "the name of a model", *found);
    return found->get<std::string>();
  }
  [[nodiscard]] bool last_layer() const {
    const auto found = object_.find("last_layer");
    if (found == object_.end()) return false;
    if (!found->is_boolean()) wrong("last_layer", "true or false", *found);
    return found->get<bool>();
  }

 private:
  [[noreturn]] void wrong(const char* name, std::string_view expected, const json& found) const {
    fail("{}: {} should be {}, found {}", origin_, name, expected, shown(found));
  }
  [[nodiscard]] int64_t number(const char* name, const json& value) const {
    constexpr int64_t kMost = 1'000'000'000;
    if (!value.is_number_integer() || value < -kMost || value > kMost) wrong(name, "a whole number", value);
    return value.get<int64_t>();
  }
  [[nodiscard]] const json& list(const char* name, const json& value) const {
    constexpr size_t kMost = 16;
    if (!value.is_array() || value.size() > kMost) wrong(name, "a short list of whole numbers", value);
    return value;
  }
  [[nodiscard]] std::vector<int64_t> numbers(const char* name, const json& value) const {
    std::vector<int64_t> numbers;
    for (const json& entry : list(name, value)) numbers.push_back(number(name, entry));
    return numbers;
  }

  const json& object_;
  const std::string& origin_;
};

/// A block takes the first two or three dilations, however many there are.
std::vector<std::vector<int64_t>> used_dilations(std::vector<std::vector<int64_t>> lists, int64_t used) {
  for (std::vector<int64_t>& list : lists)
    if (static_cast<int64_t>(list.size()) > used) list.resize(static_cast<size_t>(used));
  return lists;
}

}  // namespace

VoiceConfig voice_config_from_json(const json& object, const std::string& origin) {
  if (!object.is_object())
    fail("{}: a voice's configuration should be a JSON object, found {}", origin, shown(object));
  const VoiceFields fields(object, origin);
  VoiceConfig c;
  c.inter_channels = fields.number("inter_channels");
  c.hidden_channels = fields.number("hidden_channels");
  c.filter_channels = fields.number("filter_channels");
  c.n_heads = fields.number("n_heads");
  c.n_layers = fields.number("n_layers");
  c.kernel_size = fields.number("kernel_size");
  c.resblock = fields.resblock();
  c.resblock_kernel_sizes = fields.numbers("resblock_kernel_sizes");
  c.resblock_dilation_sizes = used_dilations(fields.lists("resblock_dilation_sizes"), c.convs_per_block());
  c.upsample_rates = fields.numbers("upsample_rates");
  c.upsample_kernel_sizes = fields.numbers("upsample_kernel_sizes");
  c.upsample_initial_channel = fields.number("upsample_initial_channel");
  c.gin_channels = fields.number("gin_channels");
  c.speakers = fields.number("spk_embed_dim");
  c.f0 = fields.f0();
  c.version = fields.version();
  c.phone_channels =
      object.contains("phone_channels") ? fields.number("phone_channels") : phone_channels_of(c.version);
  c.sample_rate = sample_rate_from_json(fields.at("sr"), origin);
  c.embedder = fields.embedder(c.embedder);
  c.last_layer = fields.last_layer();
  return c;
}

json voice_fields_of_list(const json& list, const std::string& origin) {
  if (!list.is_array())
    fail("{}: config should be a list of {}, found {}", origin, kFields.size(), shown(list));
  if (list.size() == kFields.size() + 1) {
    fail(
        "{}: config is a list of 19 fields, which RVC's own trainers do not write (forks add the features' width "
        "before sr, but nothing says so in the file); save it with RVC's 18",
        origin);
  }
  if (list.size() != kFields.size())
    fail("{}: config is a list of {} fields, expected RVC's {}", origin, list.size(), kFields.size());
  json object = json::object();
  for (size_t i = 0; i < kFields.size(); ++i) object[kFields[i]] = list[i];
  return object;
}

json to_json(const VoiceConfig& c) {
  return {{"kind", "rvc"},
          {"inter_channels", c.inter_channels},
          {"hidden_channels", c.hidden_channels},
          {"filter_channels", c.filter_channels},
          {"n_heads", c.n_heads},
          {"n_layers", c.n_layers},
          {"kernel_size", c.kernel_size},
          {"resblock", std::to_string(c.resblock)},
          {"resblock_kernel_sizes", c.resblock_kernel_sizes},
          {"resblock_dilation_sizes", c.resblock_dilation_sizes},
          {"upsample_rates", c.upsample_rates},
          {"upsample_initial_channel", c.upsample_initial_channel},
          {"upsample_kernel_sizes", c.upsample_kernel_sizes},
          {"spk_embed_dim", c.speakers},
          {"gin_channels", c.gin_channels},
          {"sr", c.sample_rate},
          {"version", c.version},
          {"f0", c.f0 ? 1 : 0},
          {"embedder_model", c.embedder},
          {"last_layer", c.last_layer}};
}

int sample_rate_from_json(const json& value, const std::string& origin) {
  constexpr int kMost = 1'000'000;
  if (value.is_number_integer() && value >= 1 && value <= kMost) return value.get<int>();
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    int rate = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const std::string_view unit(stop, static_cast<size_t>(text.data() + text.size() - stop));
    if (error == std::errc() && rate >= 1 && rate <= kMost) {
      if (unit.empty()) return rate;
      if (unit == "k" && rate <= kMost / 1000) return 1000 * rate;
    }
  }
  fail("{}: sr should be samples per second, as 48000 or \"48k\", found {}", origin, shown(value));
}

}  // namespace contentvec::synthesizer
