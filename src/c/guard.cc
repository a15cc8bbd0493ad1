// What every part of the C interface stands on: statuses, messages, the abort flag; version and devices.

#include "c/guard.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>
#include <vector>

#include "contentvec/device.h"
#include "contentvec/model.h"
#include "contentvec/version.h"

struct contentvec_abort_flag {
  std::atomic<int32_t> set{0};
  static_assert(std::atomic<int32_t>::is_always_lock_free);  // for signal handlers
};

namespace contentvec::c {
namespace {

/// The message of this thread: `text`, or where there was no memory for it `fixed`.
struct Message {
  std::string text;
  const char* fixed = "";
};
thread_local Message message;

contentvec_status report(contentvec_status status, const char* text, const char* otherwise) noexcept {
  try {
    message.text = text;
    message.fixed = nullptr;
  } catch (...) {
    message.fixed = otherwise;
  }
  return status;
}

}  // namespace

contentvec_status report_exception() noexcept {
  try {
    throw;
  } catch (const InvalidArgument& error) {
    return report(CONTENTVEC_INVALID_ARGUMENT, error.what(), "an argument is not valid");
  } catch (const Error& error) {
    return report(CONTENTVEC_ERROR, error.what(), "an error, and no memory to say which");
  } catch (const Aborted&) {
    return report(CONTENTVEC_ABORTED, "ended by the caller", "ended by the caller");
  } catch (const std::bad_alloc&) {
    message.fixed = "out of memory";
    return CONTENTVEC_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    return report(CONTENTVEC_INTERNAL, error.what(), "an unexpected exception");
  } catch (...) {
    message.fixed = "an unknown exception";
    return CONTENTVEC_INTERNAL;
  }
}

size_t checked_count(int64_t count, const char* name) {
  if (count < 0) throw InvalidArgument(std::string(name) + " is " + std::to_string(count));
  return static_cast<size_t>(count);
}

void check_array(const void* pointer, size_t count, const char* name) {
  if (count > 0) needed(static_cast<const char*>(pointer), name);
}

void check_newer_fields(const unsigned char* bytes, size_t rest) {
  if (std::any_of(bytes, bytes + rest, [](unsigned char byte) { return byte != 0; })) {
    throw InvalidArgument(std::string("the program sets options that contentvec ") + version() +
                          " does not know: run it with a newer library");
  }
}

void check_abort(const contentvec_abort_flag* flag) {
  if (flag != nullptr && flag->set.load(std::memory_order_relaxed) != 0) throw Aborted();
}

}  // namespace contentvec::c

using contentvec::c::guarded;
using contentvec::c::needed;

const char* contentvec_last_error(void) {
  const contentvec::c::Message& message = contentvec::c::message;
  return message.fixed != nullptr ? message.fixed : message.text.c_str();
}

const char* contentvec_version(void) {
  return contentvec::version();
}

int32_t contentvec_version_number(void) {
  return CONTENTVEC_VERSION_NUMBER;
}

contentvec_status contentvec_device_available(contentvec_device device, int32_t* available, char* description,
                                              size_t capacity) {
  return guarded([&] {
    needed(available, "available");
    constexpr const char* kNames[] = {"cpu", "auto", "mlx", "gpu"};
    if (device < CONTENTVEC_CPU || device > CONTENTVEC_GPU) {
      throw contentvec::c::InvalidArgument("no device has the number " + std::to_string(device));
    }
    for (const contentvec::DeviceInfo& info : contentvec::devices()) {
      if (info.name != kNames[device]) continue;
      *available = info.available ? 1 : 0;
      if (description == nullptr || capacity == 0) return;
      const size_t length = std::min(capacity - 1, info.description.size());
      std::copy_n(info.description.data(), length, description);
      description[length] = '\0';
    }
  });
}

contentvec_status contentvec_abort_flag_new(contentvec_abort_flag** flag) {
  return guarded([&] { needed(flag, "flag") = new contentvec_abort_flag(); });
}

void contentvec_abort_flag_set(contentvec_abort_flag* flag, int32_t aborted) {
  if (flag != nullptr) flag->set.store(aborted, std::memory_order_relaxed);
}

void contentvec_abort_flag_free(contentvec_abort_flag* flag) {
  delete flag;
}
