#include "checkpoint/torch_tensor.h"

#include <algorithm>
#include <array>

#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

using pickle::Global;
using pickle::PersistentId;
using pickle::Record;
using pickle::Ref;
using pickle::String;
using pickle::Tuple;
using pickle::Values;

// What a few bytes of pickle can refer to again and again has to be short.
constexpr size_t kMostSizes = 64;     // in a shape, far above what torch allows
constexpr size_t kMostMarks = 64;     // beside a tensor
constexpr size_t kLongestKey = 1024;  // bytes of a storage's name

struct StorageType {
  std::string_view name;
  ElementType type;
  size_t size;
};

constexpr std::array kStorageTypes = {
    StorageType{"FloatStorage", ElementType::kF32, 4},
    StorageType{"HalfStorage", ElementType::kF16, 2},
    StorageType{"BFloat16Storage", ElementType::kBF16, 2},
    StorageType{"DoubleStorage", ElementType::kF64, 8},
    StorageType{"LongStorage", ElementType::kI64, 8},
    StorageType{"IntStorage", ElementType::kI32, 4},
    StorageType{"ShortStorage", ElementType::kI16, 2},
    StorageType{"CharStorage", ElementType::kI8, 1},
    StorageType{"ByteStorage", ElementType::kU8, 1},
    StorageType{"BoolStorage", ElementType::kBool, 1},
    StorageType{"ComplexFloatStorage", ElementType::kOther, 8},
    StorageType{"ComplexDoubleStorage", ElementType::kOther, 16},
    StorageType{"QInt8Storage", ElementType::kOther, 1},
    StorageType{"QUInt8Storage", ElementType::kOther, 1},
    StorageType{"QInt32Storage", ElementType::kOther, 4},
    StorageType{"UntypedStorage", ElementType::kOther, 1},
    StorageType{"_UntypedStorage", ElementType::kOther, 1},
};

constexpr std::array kDTypes = {ElementType::kF32, ElementType::kF16, ElementType::kBF16, ElementType::kF64,
                                ElementType::kI64, ElementType::kI32, ElementType::kI16,  ElementType::kI8,
                                ElementType::kU8,  ElementType::kBool};

enum class Maker { kNone, kTensor, kTensorV2, kTensorV3, kParameter, kSubclass, kSparse, kQuantised };

/// The functions that torch's pickles call to make a tensor, by the module and name they have there.
Maker maker_of(const Values& values, Ref ref) {
  const auto* record = values.get<Record>(ref);
  const auto* called = record == nullptr ? nullptr : values.get<Global>(record->callable);
  if (called == nullptr) return Maker::kNone;
  if (called->module == "torch._tensor" && called->name == "_rebuild_from_type_v2") return Maker::kSubclass;
  if (called->module != "torch._utils") return Maker::kNone;
  if (called->name == "_rebuild_tensor") return Maker::kTensor;
  if (called->name == "_rebuild_tensor_v2") return Maker::kTensorV2;
  if (called->name == "_rebuild_tensor_v3") return Maker::kTensorV3;
  if (called->name == "_rebuild_sparse_tensor" || called->name == "_rebuild_sparse_csr_tensor")
    return Maker::kSparse;
  if (called->name == "_rebuild_qtensor") return Maker::kQuantised;
  const bool parameter =
      called->name == "_rebuild_parameter" || called->name == "_rebuild_parameter_with_state";
  return parameter ? Maker::kParameter : Maker::kNone;
}

const std::vector<Ref>& items_of(const Values& values, Ref ref, std::string_view what) {
  const auto* tuple = values.get<Tuple>(ref);
  if (tuple == nullptr) fail_damaged("{} is not a tuple", what);
  return tuple->items;
}

int64_t size_of(const Values& values, Ref ref, std::string_view what) {
  const auto* size = values.get<int64_t>(ref);
  if (size == nullptr || *size < 0) fail_damaged("{} is not a size", what);
  return *size;
}

std::vector<int64_t> sizes_of(const Values& values, Ref ref, std::string_view what) {
  const std::vector<Ref>& items = items_of(values, ref, what);
  if (items.size() > kMostSizes) fail_damaged("{} has {} dimensions", what, items.size());
  std::vector<int64_t> sizes(items.size());
  std::transform(items.begin(), items.end(), sizes.begin(),
                 [&](Ref item) { return size_of(values, item, what); });
  return sizes;
}

/// (view key, offset, count), or None.
std::optional<StorageId::View> view_of(const Values& values, Ref ref, const StorageId& id) {
  if (ref == pickle::kNone) return std::nullopt;
  const std::vector<Ref>& parts = items_of(values, ref, "the view of a storage");
  if (parts.size() != 3)
    fail_damaged("the view of storage {} has {} parts, expected 3", quote(id.key), parts.size());
  const StorageId::View view{size_of(values, parts[1], "the offset of a view"),
                             size_of(values, parts[2], "the length of a view")};
  if (view.offset > id.count || view.count > id.count - view.offset)
    fail_damaged("a view of {} elements from element {} on leaves storage {} of {}", view.count, view.offset,
                 quote(id.key), id.count);
  return view;
}

void set_type(StorageId& id, const Global& storage_class) {
  id.class_name = storage_class.name;
  const std::string_view module = storage_class.module;
  if (module != "torch" && module != "torch.cuda" && module != "torch.storage") return;
  for (const StorageType& type : kStorageTypes) {
    if (type.name != id.class_name) continue;
    id.type = type.type;
    id.element_size = type.size;
  }
}

/// The argument of _rebuild_tensor_v3 that a storage without a type needs: a name like torch.float32.
ElementType named_type(const Values& values, Ref ref) {
  const auto* type = values.get<Global>(ref);
  if (type == nullptr || type->module != "torch") return ElementType::kOther;
  for (const ElementType known : kDTypes)
    if (type->name == type_name(known)) return known;
  return ElementType::kOther;
}

/// The call that makes the tensor itself, through the calls that wrap it in a Parameter or a subclass.
struct Call {
  Maker maker;
  const std::vector<Ref>* args;
};

Call innermost_call(const Values& values, Ref ref, const std::string& name) {
  constexpr int kMostWrappers = 8;
  Maker maker = maker_of(values, ref);
  const std::vector<Ref>* args = nullptr;
  for (int wrapper = 0; wrapper < kMostWrappers && maker != Maker::kNone; ++wrapper) {
    args = &std::get<Tuple>(values[std::get<Record>(values[ref]).args]).items;
    if (maker != Maker::kParameter) break;
    if (args->empty()) fail_damaged("tensor {} is a parameter of nothing", quote(name));
    ref = args->front();
    maker = maker_of(values, ref);
  }
  if (maker == Maker::kNone || maker == Maker::kParameter)
    fail_damaged("tensor {} is a parameter of something that is no tensor", quote(name));
  return {maker, args};
}

/// _rebuild_from_type_v2(function, class, args, state): only what _rebuild_tensor_v2 makes is read.
Call subclass_call(const Values& values, const Call& call, const std::string& name) {
  const auto* function = call.args->empty() ? nullptr : values.get<Global>(call.args->front());
  if (function == nullptr || function->name != "_rebuild_tensor_v2" || call.args->size() < 3)
    fail("tensor {} is of a tensor subclass that is not read here; save it again as a plain tensor",
         quote(name));
  return {Maker::kTensorV2, &items_of(values, (*call.args)[2], "the arguments of a tensor")};
}

Tensor no_array(const std::string& name, ElementType type) {
  Tensor tensor;
  tensor.name = name;
  tensor.type = type;
  return tensor;
}

/// torch marks a tensor that stands for the negative (or the conjugate) of what it stores: the last argument
/// of _rebuild_tensor_v2 and _rebuild_tensor_v3.
void check_marks(const Values& values, const std::vector<Ref>& args, size_t expected,
                 const std::string& name) {
  if (args.size() <= expected) return;
  const pickle::Dict* marks = pickle::as_dict(values, args[expected]);
  if (marks == nullptr) return;
  if (marks->entries.size() > kMostMarks)
    fail_damaged("tensor {} has {} marks", quote(name), marks->entries.size());
  for (const auto& [key, value] : marks->entries) {
    const auto* mark = values.get<String>(key);
    const bool* set = values.get<bool>(value);
    if (mark == nullptr || set == nullptr || !*set) continue;
    if (mark->text != "neg" && mark->text != "conj") continue;
    fail("tensor {} has torch's {} bit set: what it stores is not what it stands for; save it again after {}",
         quote(name), mark->text == "neg" ? "negative" : "conjugate",
         mark->text == "neg" ? "resolve_neg()" : "resolve_conj()");
  }
}

}  // namespace

size_t StorageId::bytes() const {
  if (element_size == 0)
    fail(
        "storage {} is of class {}, which is not known here; expected one like FloatStorage or HalfStorage: "
        "convert the checkpoint to float32 or float16 first",
        quote(key), quote(class_name));
  size_t product = 0;
  if (__builtin_mul_overflow(static_cast<size_t>(count), element_size, &product))
    fail_damaged("storage {} claims {} elements", quote(key), count);
  return product;
}

StorageId storage_id(const Values& values, Ref persistent_id) {
  const std::vector<Ref>& parts = items_of(values, persistent_id, "the persistent id of a storage");
  if (parts.size() != 5 && parts.size() != 6)
    fail_damaged("the persistent id of a storage has {} parts, expected 5 or 6", parts.size());
  const auto* tag = values.get<String>(parts[0]);
  const auto* type = values.get<Global>(parts[1]);
  const auto* key = values.get<String>(parts[2]);
  if (tag == nullptr || tag->text != "storage" || type == nullptr || key == nullptr)
    fail_damaged("a persistent id does not name a storage, its class and its key");
  if (key->text.size() > kLongestKey)
    fail_damaged("the key of a storage has {} bytes, expected at most {}", key->text.size(), kLongestKey);
  StorageId id;
  set_type(id, *type);
  id.key = key->text;
  id.count = size_of(values, parts[4], "the element count of a storage");
  if (parts.size() == 6) id.view = view_of(values, parts[5], id);
  return id;
}

bool is_tensor(const Values& values, Ref ref) {
  return maker_of(values, ref) != Maker::kNone;
}

Tensor tensor_of(const Values& values, Ref ref, const std::string& name, const FindStorage& find) {
  Call call = innermost_call(values, ref, name);
  if (call.maker == Maker::kSubclass) call = subclass_call(values, call, name);
  if (call.maker == Maker::kSparse) return no_array(name, ElementType::kSparse);
  if (call.maker == Maker::kQuantised) return no_array(name, ElementType::kQuantised);
  const std::vector<Ref>& args = *call.args;
  const size_t expected = call.maker == Maker::kTensor ? 4 : call.maker == Maker::kTensorV2 ? 6 : 7;
  if (args.size() < expected)
    fail_damaged("tensor {} is made from {} arguments, expected {}", quote(name), args.size(), expected);
  check_marks(values, args, expected, name);
  const auto* storage = values.get<PersistentId>(args[0]);
  if (storage == nullptr) fail_damaged("tensor {} is made from something that is no storage", quote(name));
  const StorageId id = storage_id(values, storage->id);
  const std::string what = "part of tensor " + quote(name);
  Tensor tensor{.name = name,
                .type = call.maker == Maker::kTensorV3 ? named_type(values, args[6]) : id.type,
                .shape = sizes_of(values, args[2], what),
                .strides = sizes_of(values, args[3], what),
                .offset = size_of(values, args[1], what),
                .storage = find(id)};
  check(tensor);
  return tensor;
}

}  // namespace contentvec::checkpoint
