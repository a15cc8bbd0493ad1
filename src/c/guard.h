#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "contentvec/c.h"
#include "contentvec/error.h"

namespace contentvec::c {

/// A mistake of the calling program.
struct InvalidArgument : Error {
  using Error::Error;
};

/// What ends a call that the caller wants ended. No std::exception, so that nothing in between takes it for a
/// failure.
struct Aborted {};

/// The status of the exception that is being handled, whose text becomes this thread's message.
contentvec_status report_exception() noexcept;

/// Does `action`; what it throws becomes a status. Takes no memory where it does not throw.
template <typename Action>
contentvec_status guarded(const Action& action) noexcept {
  try {
    action();
    return CONTENTVEC_OK;
  } catch (...) {
    return report_exception();
  }
}

/// Throws InvalidArgument for a null pointer.
template <typename T>
T& needed(T* pointer, const char* name) {
  if (pointer == nullptr) throw InvalidArgument(std::string(name) + " is a null pointer");
  return *pointer;
}

/// `count` as an unsigned number; throws InvalidArgument for a negative one.
size_t checked_count(int64_t count, const char* name);

/// Throws InvalidArgument for a pointer that is null where it is to lead to `count` things, more than none.
void check_array(const void* pointer, size_t count, const char* name);

/// Throws InvalidArgument where a program built with newer headers has set a field that is not known here:
/// all `rest` bytes must be 0.
void check_newer_fields(const unsigned char* bytes, size_t rest);

/// The caller's options over the defaults. Its size says how many fields the caller knows.
template <typename Options>
Options options_or_defaults(const Options* given, const Options& defaults) {
  Options options = defaults;
  if (given == nullptr) return options;
  if (given->size < sizeof(given->size)) {
    throw InvalidArgument("options of " + std::to_string(given->size) +
                          " bytes: fill them in with their _init function first");
  }
  if (given->size > sizeof(Options)) {
    check_newer_fields(reinterpret_cast<const unsigned char*>(given) + sizeof(Options),
                       given->size - sizeof(Options));
  }
  std::memcpy(&options, given, std::min(given->size, sizeof(Options)));
  options.size = sizeof(Options);
  return options;
}

/// The size that the caller has set in a struct it wants filled in, whose type is called `name`.
template <typename Info>
size_t size_of_info(const Info* info, const char* name) {
  const size_t size = needed(info, "info").size;
  if (size < sizeof(size))
    throw InvalidArgument("info: set its size to sizeof(" + std::string(name) + ") first");
  return size;
}

/// The defaults into a struct of the caller's of `size` bytes.
template <typename Options>
void fill_in(Options* into, size_t size, const Options& defaults) noexcept {
  if (into == nullptr || size < sizeof(size)) return;
  std::memset(into, 0, size);
  std::memcpy(into, &defaults, std::min(size, sizeof(Options)));
  std::memcpy(into, &size, sizeof(size));
}

}  // namespace contentvec::c

/// Looked at by the calls it was given to.
struct contentvec_abort_flag;

namespace contentvec::c {

/// Throws Aborted where the flag is set; there may be none.
void check_abort(const contentvec_abort_flag* flag);

}  // namespace contentvec::c
