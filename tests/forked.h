#pragma once

#include <functional>

namespace contentvec::test {

/// Whether `action`, run in a child of fork() that returns true there. A child that
/// has not ended after a minute is killed, and has failed.
bool succeeds_in_child(const std::function<bool()>& action);

}  // namespace contentvec::test
