// Ends a stream on which nothing comes any more.
#pragma once

#include <grpcpp/client_context.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace circuits {

// Cancels a call that is silent for too long. A read of gRPC's synchronous
// streams waits without end, so a thread of its own looks at the clock.
class Watchdog {
 public:
  // The context has to live longer than the watchdog.
  Watchdog(grpc::ClientContext& context, std::chrono::seconds longest_silence)
      : longest_silence_(longest_silence),
        thread_([this, &context](const std::stop_token& stop) { Watch(stop, context); }) {}

  // Something came.
  void Reset() {
    const std::lock_guard lock(mutex_);
    heard_at_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void Watch(const std::stop_token& stop, grpc::ClientContext& context) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const Clock::time_point end = heard_at_ + longest_silence_;
      if (Clock::now() >= end) {
        context.TryCancel();
        return;
      }
      // Wakes at the end of the watchdog, too.
      stopped_.wait_until(lock, stop, end, [] { return false; });
    }
  }

  const std::chrono::seconds longest_silence_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  Clock::time_point heard_at_ = Clock::now();
  // The last member: the thread uses the others, and is joined before they go.
  std::jthread thread_;
};

}  // namespace circuits
