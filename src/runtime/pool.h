#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/fork.h"

namespace contentvec {

/// What one call at a time works with, kept for the next: each call borrows one, and there are as many as calls were
/// ever under way at once. Safe to use from any thread, and in a child of a process that used it.
template <typename T>
class Pool {
 public:
  /// One for the time of a call; back in the pool when it ends.
  class Loan {
   public:
    Loan(const Pool& owner, std::unique_ptr<T> item) : owner_(owner), item_(std::move(item)) {}
    ~Loan() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.idle_.push_back(std::move(item_));
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    T& operator*() const { return *item_; }
    T* operator->() const { return item_.get(); }

   private:
    const Pool& owner_;
    std::unique_ptr<T> item_;
  };

  /// make() gives a std::unique_ptr<T>, and is called where none is idle.
  template <typename Make>
  [[nodiscard]] Loan borrow(const Make& make) const {
    std::unique_ptr<T> item;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        item = std::move(idle_.back());
        idle_.pop_back();
      } else {
        idle_.reserve(++made_);  // so that giving it back cannot fail
      }
    }
    if (!item) item = make();
    return {*this, std::move(item)};
  }

 private:
  mutable ForkMutex mutex_;
  mutable std::vector<std::unique_ptr<T>> idle_;
  mutable size_t made_ = 0;
};

}  // namespace contentvec
