// The pause between two tries, and the time that a command has.
#pragma once

#include <chrono>
#include <optional>
#include <random>

namespace circuits {

// Pauses that double from 0.1 s to 2 s. Each is multiplied by a random factor,
// so that clients that lost the same server do not come back all at once.
class Backoff {
 public:
  using Pause = std::chrono::duration<double>;

  Backoff();

  // The next pause.
  Pause Next();

  // Begins with the shortest pause again.
  void Reset();

 private:
  Pause pause_;
  std::mt19937 random_;
};

// A point in time by which everything has to be done, or none.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  // Never over.
  Deadline() = default;

  // Over after this time, counted from now.
  explicit Deadline(std::chrono::duration<double> time);

  // `point`, or the deadline where that comes first.
  Clock::time_point Earlier(Clock::time_point point) const;

  // In the form that gRPC takes; nothing where there is no deadline.
  std::optional<std::chrono::system_clock::time_point> ForGrpc() const;

  bool IsOver() const;

 private:
  std::optional<Clock::time_point> end_;
};

// gRPC takes points of the system's clock; this program counts with one that
// nobody sets.
std::chrono::system_clock::time_point ToSystemClock(Deadline::Clock::time_point point);

}  // namespace circuits
