#pragma once

#include <span>

#include "contentvec/c.h"
#include "contentvec/device.h"
#include "contentvec/hub.h"
#include "contentvec/model.h"
#include "contentvec/threads.h"

namespace contentvec::c {

contentvec_load_options load_defaults();

/// What is loaded with these options, in C++'s terms.
DType dtype_of(contentvec_dtype dtype);
/// Throws InvalidArgument for options that `what`, which runs on the CPU and whose file says its own architecture, does
/// not have, and Aborted where the caller's flag is set.
void check_is_for_cpu(const contentvec_load_options& given, const char* what);
RunTasks run_tasks_of(const contentvec_load_options& given);
HubOptions hub_of(const contentvec_load_options& given);

/// A file in the caller's memory, and one that its function reads; `name` may be null.
VirtualFile file_of(const void* file, size_t size, const char* name);
VirtualFile file_of(contentvec_read_at read, void* user, uint64_t size, const char* name);

/// Throws InvalidArgument for a null pointer where there are samples, and for a negative number of them.
std::span<const float> waveform_of(const float* waveform, int64_t samples);

}  // namespace contentvec::c
