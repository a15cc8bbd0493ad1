#include "checkpoint/joblib_array.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"

namespace contentvec::checkpoint::pickle {
namespace {

constexpr size_t kMostSizes = 64;  // NumPy's own bound

std::vector<int64_t> shape_of(const Values& values, Ref ref) {
  const auto* tuple = values.get<Tuple>(ref);
  if (tuple == nullptr || tuple->items.size() > kMostSizes)
    fail_damaged("an array's shape is no tuple of sizes");
  std::vector<int64_t> shape;
  for (const Ref item : tuple->items) {
    const auto* size = values.get<int64_t>(item);
    if (size == nullptr || *size < 0) fail_damaged("an array's shape is no tuple of sizes");
    shape.push_back(*size);
  }
  return shape;
}

/// dtype('f4', ...), whose state has the order of the bytes in its second place.
void read_type(const Values& values, Ref ref, JoblibArray& array) {
  const auto* record = values.get<Record>(ref);
  const auto* args = record == nullptr ? nullptr : values.get<Tuple>(record->args);
  const String* name =
      args == nullptr || args->items.empty() ? nullptr : values.get<String>(args->items.front());
  if (name == nullptr || name->text.size() < 2) fail_damaged("an array's type is none of NumPy's");
  array.kind = name->text.front();
  const std::string_view digits = name->text.substr(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), array.element_size);
  if (error != std::errc() || end != digits.data() + digits.size())
    fail_damaged("an array's type is {}, none of NumPy's", quote(name->text));
  constexpr std::string_view kNumbers = "fiubc";
  if (kNumbers.find(array.kind) == std::string_view::npos || array.element_size > 32)
    fail("it has an array of type {}, where only numbers are read", quote(name->text));
  const auto* state = values.get<Tuple>(record->state);
  const String* order =
      state == nullptr || state->items.size() < 2 ? nullptr : values.get<String>(state->items[1]);
  array.big_endian = order != nullptr && order->text == ">";
}

size_t bytes_of(const JoblibArray& array) {
  size_t bytes = array.element_size;
  for (const int64_t size : array.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes))
      fail_damaged("the product of an array's sizes is beyond 64 bits");
  }
  return bytes;
}

}  // namespace

bool is_joblib_array(const Values& values, const Record& record) {
  const Global* made = callee(values, record);
  return made != nullptr && made->name == "NumpyArrayWrapper" &&
         made->module.ends_with("joblib.numpy_pickle");
}

JoblibArray joblib_array(const Values& values, const Record& wrapper) {
  const Dict* state = as_dict(values, wrapper.state);
  if (state == nullptr) fail_damaged("an array is described by something that is no dictionary");
  JoblibArray array{.shape = shape_of(values, find(values, *state, "shape"))};
  read_type(values, find(values, *state, "dtype"), array);
  const auto* order = values.get<String>(find(values, *state, "order"));
  array.fortran_order = order != nullptr && order->text == "F";
  array.aligned = values.get<int64_t>(find(values, *state, "numpy_array_alignment_bytes")) != nullptr;
  array.bytes = bytes_of(array);
  return array;
}

}  // namespace contentvec::checkpoint::pickle
