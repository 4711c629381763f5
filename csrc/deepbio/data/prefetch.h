// Threads that make batches ahead of their reader, given in order.
//
// Jobs are handed out one at a time and in order; their results come back in that order, whatever
// thread was first. At most `ahead` results wait; a reader that finds none makes one itself. An
// error in a job is rethrown by the call of next() that would have given its batch, and the batches
// after it still come; an error in handing out jobs is rethrown in its place and is the end.
// Threads: next() is called by one thread. Threads start with the object and end with it. In a
// forked child they do not exist: discard() leaves the parent's object behind.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace deepbio::data {

template <class Batch>
class Prefetcher {
 public:
  using Job = std::function<Batch()>;
  using NextJob = std::function<std::optional<Job>()>;  // nullopt: the end

  // num_threads 0: jobs run in next().
  Prefetcher(NextJob next_job, int64_t num_threads, int64_t ahead)
      : next_job_(std::move(next_job)), ahead_(ahead), process_(::getpid()) {
    for (int64_t i = 0; i < num_threads; ++i) threads_.emplace_back([this] { work(); });
  }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;
  ~Prefetcher() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  // Destroys it, or leaves it behind in a forked child: its lock may be held by a thread that is
  // not there.
  static void discard(std::unique_ptr<Prefetcher>& prefetcher) {
    if (prefetcher && !prefetcher->threads_.empty() && prefetcher->process_ != ::getpid())
      (void)prefetcher.release();
    prefetcher.reset();
  }
  bool is_here() const { return threads_.empty() || process_ == ::getpid(); }

  std::optional<Batch> next() {
    Result result = take();
    if (result.error) std::rethrow_exception(result.error);
    return std::move(result.batch);
  }

 private:
  struct Result {
    std::optional<Batch> batch;  // nothing and no error: the end
    std::exception_ptr error;
  };

  static Result run(const Job& job) {
    try {
      return {job(), nullptr};
    } catch (...) {
      return {std::nullopt, std::current_exception()};
    }
  }

  // The next job; nothing at the end, and then `error` may say why.
  std::optional<Job> hand_out(std::exception_ptr& error) {
    if (is_over_) return std::nullopt;
    std::optional<Job> job;
    try {
      job = next_job_();
    } catch (...) {
      error = std::current_exception();
    }
    is_over_ = !job;
    return job;
  }

  Result take() {
    if (threads_.empty()) {
      Result end;
      const std::optional<Job> job = hand_out(end.error);
      return job ? run(*job) : end;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    while (ready_.count(given_) == 0) {
      if (end_ && given_ >= *end_) return {};
      // Making a batch here is quicker than to sleep until another thread has one.
      std::unique_lock<std::mutex> order(order_, std::defer_lock);
      if (!end_ && claimed_ < given_ + ahead_ && order.try_lock()) {
        lock.unlock();
        make_one(std::move(order));
        lock.lock();
      } else {
        made_.wait(lock);
      }
    }
    Result result = std::move(ready_.extract(given_).mapped());
    ++given_;
    // Not for each: a thread that is woken makes several.
    const bool has_room = claimed_ <= given_ + ahead_ / 2;
    lock.unlock();
    if (has_room) room_.notify_one();
    return result;
  }

  void work() {
    while (make_one(std::unique_lock<std::mutex>(order_))) {
    }
  }

  // Waits for room, and makes the next batch in this thread; false when there is none to make.
  // Handing out is in order, and so is the numbering: both under one lock, `order`.
  bool make_one(std::unique_lock<std::mutex> order) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      room_.wait(lock, [&] { return stopping_ || end_ || claimed_ < given_ + ahead_; });
      if (stopping_ || end_) return false;
    }
    std::exception_ptr error;
    const std::optional<Job> job = hand_out(error);
    int64_t number = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      number = claimed_;
      if (job || error) ++claimed_;
      if (!job) end_ = claimed_;
      if (error) ready_.emplace(number, Result{std::nullopt, error});
      order.unlock();
    }
    made_.notify_one();  // a reader that waits may hand out the next one
    if (job) {
      Result result = run(*job);
      const std::lock_guard<std::mutex> lock(mutex_);
      ready_.emplace(number, std::move(result));
    }
    made_.notify_one();
    return job.has_value();
  }

  NextJob next_job_;
  int64_t ahead_;
  pid_t process_;
  bool is_over_ = false;  // under order_, or without threads
  int64_t given_ = 0, claimed_ = 0;
  std::optional<int64_t> end_;  // how many results there are
  bool stopping_ = false;
  std::map<int64_t, Result> ready_;
  std::mutex order_, mutex_;
  std::condition_variable made_, room_;  // waited for by the reader; by a thread under order_
  std::vector<std::thread> threads_;
};

}  // namespace deepbio::data
