#include "checkpoint/unpickler.h"

#include <bit>
#include <cstring>
#include <map>

#include "checkpoint/joblib_array.h"
#include "checkpoint/pickle_text.h"
#include "checkpoint/text.h"

// The opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py

namespace contentvec::checkpoint::pickle {
namespace {

constexpr size_t kMostValues = size_t{1} << 22;  // a checkpoint with optimizer state has some ten thousands
constexpr unsigned kNewestProtocol = 5;

class Unpickler {
 public:
  explicit Unpickler(std::span<const std::byte> bytes, bool of_joblib = false)
      : bytes_(as_text(bytes)), of_joblib_(of_joblib) {}

  Values run() {
    try {
      while (step()) {
      }
    } catch (const Error& error) {
      fail("pickle, opcode at byte {}: {}", opcode_at_, error.what());
    }
    values_.bytes = position_;
    return std::move(values_);
  }

 private:
  // --- bytes ---
  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - position_)
      fail_damaged("it takes {} more bytes, {} are left", count, bytes_.size() - position_);
    const std::string_view taken = bytes_.substr(position_, count);
    position_ += count;
    return taken;
  }
  template <typename T>
  T number() {  // little-endian, as this machine is (tensor.cc asserts it)
    T value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  template <typename Length>
  std::string_view counted() {
    const auto length = number<Length>();
    if constexpr (std::is_signed_v<Length>) {
      if (length < 0) fail_damaged("it declares the negative length {}", length);
    }
    return take(static_cast<uint64_t>(length));
  }
  std::string_view line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) fail_damaged("it wants a line, which does not end");
    const std::string_view text = take(end - position_);
    ++position_;
    return text;
  }

  static void limit(size_t values) {
    if (values >= kMostValues)
      fail("the pickle holds more than {} values, which no checkpoint needs; save the state dict alone",
           kMostValues);
  }

  // --- the stack ---
  [[nodiscard]] size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Ref pop() {
    const Ref value = top();
    stack_.pop_back();
    return value;
  }
  [[nodiscard]] Ref top() const {
    if (stack_.size() <= floor()) fail_damaged("the stack has too few values for it");
    return stack_.back();
  }
  void push(Ref value) {
    limit(stack_.size());
    stack_.push_back(value);
  }
  void mark() {
    limit(marks_.size());
    marks_.push_back(stack_.size());
  }
  Ref make(Value value) {
    limit(values_.size());
    const Ref made = values_.add(std::move(value));
    push(made);
    return made;
  }
  /// Everything since the last mark, which goes too.
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) fail_damaged("there is no mark on the stack");
    const auto start = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
    std::vector<Ref> items(start, stack_.end());
    stack_.erase(start, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<Ref> pop_many(size_t count) {
    std::vector<Ref> items(count);
    while (count-- > 0) items[count] = pop();
    return items;
  }

  // --- the memo ---
  void remember(uint64_t index) {
    limit(memo_.size());
    memo_[index] = top();
  }
  void recall(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail_damaged("nothing was memoized as number {}", index);
    push(found->second);
  }
  static uint64_t memo_index(std::string_view text) {
    const std::optional<int64_t> index = parse_integer(text);
    if (!index || *index < 0) fail_damaged("{} is no memo number", quote(text));
    return static_cast<uint64_t>(*index);
  }

  // --- containers ---
  /// The Dict that setting items in `target` goes to: itself, or a record's.
  Dict& dict_of(Ref target) {
    if (auto* record = std::get_if<Record>(&values_[target])) {
      if (record->dict == kNone) record->dict = values_.add(Dict{});
      target = record->dict;
    }
    auto* dict = std::get_if<Dict>(&values_[target]);
    if (dict == nullptr) fail_damaged("it sets an item in something that is no dictionary");
    return *dict;
  }
  std::vector<Ref>& items_of(Ref target) {
    if (auto* record = std::get_if<Record>(&values_[target])) {
      if (record->list == kNone) record->list = values_.add(List{});
      target = record->list;
    }
    if (auto* list = std::get_if<List>(&values_[target])) return list->items;
    if (auto* set = std::get_if<Set>(&values_[target])) return set->items;
    fail_damaged("it adds an item to something that is no list or set");
  }
  static void set_items(Dict& dict, const std::vector<Ref>& items) {
    if (items.size() % 2 != 0) fail_damaged("it sets items, and the last key has no value");
    for (size_t i = 0; i < items.size(); i += 2) dict.entries.emplace_back(items[i], items[i + 1]);
  }

  // --- objects ---
  void call(Ref callable, Ref args) {
    if (values_.get<Tuple>(args) == nullptr) fail_damaged("it calls with arguments that are no tuple");
    const auto* global = values_.get<Global>(callable);
    if (global != nullptr && global->module == "collections" && global->name == "OrderedDict")
      make(ordered_dict(std::get<Tuple>(values_[args]).items));
    else
      make(Record{.callable = callable, .args = args});
  }
  /// OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it.
  Dict ordered_dict(const std::vector<Ref>& args) {
    Dict dict;
    if (args.empty()) return dict;
    const auto* pairs = values_.get<List>(args[0]);
    if (args.size() != 1 || pairs == nullptr)
      fail_damaged("it makes an OrderedDict of something other than pairs");
    // The one place where a few bytes (a recalled list) could make many: each pair took some to spell.
    copied_ += pairs->items.size();
    if (copied_ > position_) fail_damaged("it copies the same pairs over and over");
    for (const Ref item : pairs->items) {
      const std::vector<Ref>* pair = nullptr;
      if (const auto* list = values_.get<List>(item)) pair = &list->items;
      if (const auto* tuple = values_.get<Tuple>(item)) pair = &tuple->items;
      if (pair == nullptr || pair->size() != 2)
        fail_damaged("it makes an OrderedDict of something other than pairs");
      dict.entries.emplace_back((*pair)[0], (*pair)[1]);
    }
    return dict;
  }
  void build() {
    const Ref state = pop();
    // Attributes set on a plain value (as torch does, on a state dict) are of no use here.
    auto* record = std::get_if<Record>(&values_[top()]);
    if (record == nullptr) return;
    record->state = state;
    if (of_joblib_ && is_joblib_array(values_, *record)) record->bytes = array_behind(*record);
  }
  /// The bytes of an array: behind some padding, whose length comes first, where it is aligned.
  Ref array_behind(const Record& wrapper) {
    const JoblibArray array = joblib_array(values_, wrapper);
    if (array.aligned) take(number<uint8_t>());
    return values_.add(Opaque{take(array.bytes)});
  }
  void persistent(Ref id) { values_.persistent_ids.push_back(make(PersistentId{id})); }
  void global(std::string_view module, std::string_view name) { make(Global{module, name}); }
  std::string_view pop_text() {
    const auto* text = values_.get<String>(pop());
    if (text == nullptr) fail_damaged("it names a class by something that is no text");
    return text->text;
  }

  // --- scalars ---
  void integer(std::optional<int64_t> value, std::string_view spelled) {
    if (value)
      make(*value);
    else
      make(Opaque{spelled});
  }
  /// Two's complement, little-endian, of any length.
  void long_integer(std::string_view digits) {
    if (digits.size() > sizeof(int64_t)) return integer(std::nullopt, digits);
    const bool negative = !digits.empty() && static_cast<int8_t>(digits.back()) < 0;
    uint64_t value = negative ? ~uint64_t{0} : 0;
    std::memcpy(&value, digits.data(), digits.size());
    make(static_cast<int64_t>(value));
  }
  void text_integer(std::string_view text) {
    if (text == "00" || text == "01")
      make(text == "01");  // protocol 0's booleans
    else
      integer(parse_integer(text), text);
  }
  void text_long(std::string_view text) {
    if (!text.empty() && text.back() == 'L') text.remove_suffix(1);
    integer(parse_integer(text), text);
  }
  double real() {
    auto bits = number<uint64_t>();
    uint64_t swapped = 0;  // big-endian in the file
    for (int i = 0; i < 8; ++i, bits >>= 8) swapped = swapped << 8 | (bits & 0xff);
    return std::bit_cast<double>(swapped);
  }

  bool step();
  bool scalar(char opcode);
  bool text(char opcode);
  bool container(char opcode);
  bool object(char opcode);
  bool memo(char opcode);
  void protocol(char opcode);

  std::string_view bytes_;
  bool of_joblib_;
  size_t position_ = 0, opcode_at_ = 0, copied_ = 0;
  Values values_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;     // the stack's height at each
  std::map<uint64_t, Ref> memo_;  // no hash table: whoever made the file could choose numbers that collide
};

/// One opcode; false after STOP.
bool Unpickler::step() {
  opcode_at_ = position_;
  const char opcode = take(1).front();
  if (opcode == '.') {
    values_.root = pop();
    return false;
  }
  if (!memo(opcode) && !text(opcode) && !scalar(opcode) && !container(opcode) && !object(opcode))
    protocol(opcode);
  return true;
}

bool Unpickler::scalar(char opcode) {
  switch (opcode) {
    case 'N':
      push(kNone);
      break;  // NONE
    case '\x88':
      make(true);
      break;  // NEWTRUE
    case '\x89':
      make(false);
      break;  // NEWFALSE
    case 'I':
      text_integer(line());
      break;  // INT
    case 'L':
      text_long(line());
      break;  // LONG
    case 'F':
      make(parse_real(line()));
      break;  // FLOAT
    case 'J':
      make(int64_t{number<int32_t>()});
      break;  // BININT
    case 'K':
      make(int64_t{number<uint8_t>()});
      break;  // BININT1
    case 'M':
      make(int64_t{number<uint16_t>()});
      break;  // BININT2
    case '\x8a':
      long_integer(counted<uint8_t>());
      break;  // LONG1
    case '\x8b':
      long_integer(counted<int32_t>());
      break;  // LONG4
    case 'G':
      make(real());
      break;  // BINFLOAT
    default:
      return false;
  }
  return true;
}

bool Unpickler::text(char opcode) {
  switch (opcode) {
    case 'S':
      make(String{values_.keep(parse_literal(line()))});
      break;  // STRING
    case 'V':
      make(String{values_.keep(parse_unicode(line()))});
      break;  // UNICODE
    case 'T':
      make(String{counted<int32_t>()});
      break;  // BINSTRING
    case 'U':
      make(String{counted<uint8_t>()});
      break;  // SHORT_BINSTRING
    case 'X':
      make(String{counted<uint32_t>()});
      break;  // BINUNICODE
    case '\x8c':
      make(String{counted<uint8_t>()});
      break;  // SHORT_BINUNICODE
    case '\x8d':
      make(String{counted<uint64_t>()});
      break;  // BINUNICODE8
    case 'B':
      make(Opaque{counted<uint32_t>()});
      break;  // BINBYTES
    case 'C':
      make(Opaque{counted<uint8_t>()});
      break;      // SHORT_BINBYTES
    case '\x8e':  // BINBYTES8
    case '\x96':
      make(Opaque{counted<uint64_t>()});
      break;  // BYTEARRAY8
    default:
      return false;
  }
  return true;
}

bool Unpickler::container(char opcode) {
  switch (opcode) {
    case '(':
      mark();
      break;  // MARK
    case ')':
      make(Tuple{});
      break;  // EMPTY_TUPLE
    case ']':
      make(List{});
      break;  // EMPTY_LIST
    case '}':
      make(Dict{});
      break;  // EMPTY_DICT
    case '\x8f':
      make(Set{});
      break;  // EMPTY_SET
    case 't':
      make(Tuple{pop_to_mark()});
      break;  // TUPLE
    case 'l':
      make(List{pop_to_mark()});
      break;  // LIST
    case '\x91':
      make(Set{pop_to_mark()});
      break;  // FROZENSET
    case '\x85':
      make(Tuple{pop_many(1)});
      break;  // TUPLE1
    case '\x86':
      make(Tuple{pop_many(2)});
      break;  // TUPLE2
    case '\x87':
      make(Tuple{pop_many(3)});
      break;     // TUPLE3
    case 'd': {  // DICT
      Dict dict;
      set_items(dict, pop_to_mark());
      make(std::move(dict));
      break;
    }
    case 's': {  // SETITEM
      const std::vector<Ref> item = pop_many(2);
      set_items(dict_of(top()), item);
      break;
    }
    case 'u': {  // SETITEMS
      const std::vector<Ref> items = pop_to_mark();
      set_items(dict_of(top()), items);
      break;
    }
    case 'a': {  // APPEND
      const Ref item = pop();
      items_of(top()).push_back(item);
      break;
    }
    case 'e':       // APPENDS
    case '\x90': {  // ADDITEMS
      const std::vector<Ref> items = pop_to_mark();
      std::vector<Ref>& into = items_of(top());
      into.insert(into.end(), items.begin(), items.end());
      break;
    }
    default:
      return false;
  }
  return true;
}

bool Unpickler::object(char opcode) {
  switch (opcode) {
    case 'c': {  // GLOBAL
      const std::string_view module = line();
      global(module, line());
      break;
    }
    case '\x93': {  // STACK_GLOBAL
      const std::string_view name = pop_text();
      global(pop_text(), name);
      break;
    }
    case 'i': {  // INST
      const std::string_view module = line();
      const std::string_view name = line();
      const Ref callable = values_.add(Global{module, name});
      call(callable, values_.add(Tuple{pop_to_mark()}));
      break;
    }
    case 'o': {  // OBJ
      std::vector<Ref> items = pop_to_mark();
      if (items.empty()) fail_damaged("it makes an object of no class");
      const Ref callable = items.front();
      items.erase(items.begin());
      call(callable, values_.add(Tuple{std::move(items)}));
      break;
    }
    case '\x92':
      pop();
      [[fallthrough]];  // NEWOBJ_EX: keyword arguments are of no use here
    case '\x81':        // NEWOBJ
    case 'R': {         // REDUCE
      const Ref args = pop();
      call(pop(), args);
      break;
    }
    case 'b':
      build();
      break;  // BUILD
    case 'P':
      persistent(values_.add(String{line()}));
      break;  // PERSID
    case 'Q':
      persistent(pop());
      break;  // BINPERSID
    default:
      return false;
  }
  return true;
}

bool Unpickler::memo(char opcode) {
  switch (opcode) {
    case 'p':
      remember(memo_index(line()));
      break;  // PUT
    case 'q':
      remember(number<uint8_t>());
      break;  // BINPUT
    case 'r':
      remember(number<uint32_t>());
      break;  // LONG_BINPUT
    case '\x94':
      remember(memo_.size());
      break;  // MEMOIZE
    case 'g':
      recall(memo_index(line()));
      break;  // GET
    case 'h':
      recall(number<uint8_t>());
      break;  // BINGET
    case 'j':
      recall(number<uint32_t>());
      break;  // LONG_BINGET
    case '2':
      push(top());
      break;  // DUP
    case '1':
      pop_to_mark();
      break;   // POP_MARK
    case '0':  // POP
      if (stack_.size() == floor() && !marks_.empty())
        marks_.pop_back();
      else
        pop();
      break;
    default:
      return false;
  }
  return true;
}

void Unpickler::protocol(char opcode) {
  switch (opcode) {
    case '\x80': {  // PROTO
      const unsigned version = number<uint8_t>();
      if (version > kNewestProtocol)
        fail(
            "pickle protocol {} is not known here, only those up to {}; save the checkpoint with an older "
            "one",
            version, kNewestProtocol);
      break;
    }
    case '\x95': {  // FRAME
      const auto length = number<uint64_t>();
      if (length > bytes_.size() - position_)
        fail_damaged("it frames {} bytes, {} are left", length, bytes_.size() - position_);
      break;
    }
    case '\x82':
    case '\x83':
    case '\x84':
      fail("it uses the extension registry, which no checkpoint does; not loading it");
    case '\x97':
    case '\x98':
      fail("it refers to a buffer outside of the pickle, which no checkpoint does; not loading it");
    default:
      fail_damaged("no such opcode: 0x{:02x}", static_cast<uint8_t>(opcode));
  }
}

}  // namespace

Values unpickle(std::span<const std::byte> bytes) {
  return Unpickler(bytes).run();
}

Values unpickle_joblib(std::span<const std::byte> bytes) {
  return Unpickler(bytes, true).run();
}

}  // namespace contentvec::checkpoint::pickle
