#include "backoff.h"

#include <algorithm>

namespace circuits {

using std::chrono::duration;
using std::chrono::duration_cast;

namespace {

constexpr duration<double> kFirstPause{0.1};
constexpr duration<double> kLongestPause{2.0};

}  // namespace

Backoff::Backoff() : pause_(kFirstPause), random_(std::random_device{}()) {}

Backoff::Pause Backoff::Next() {
  std::uniform_real_distribution<double> factor(0.5, 1.5);
  const Pause pause = pause_ * factor(random_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  return pause;
}

void Backoff::Reset() { pause_ = kFirstPause; }

Deadline::Deadline(duration<double> time)
    : end_(Clock::now() + duration_cast<Clock::duration>(time)) {}

Deadline::Clock::time_point Deadline::Earlier(Clock::time_point point) const {
  return end_ ? std::min(*end_, point) : point;
}

std::optional<std::chrono::system_clock::time_point> Deadline::ForGrpc() const {
  if (!end_) return std::nullopt;
  return ToSystemClock(*end_);
}

bool Deadline::IsOver() const { return end_ && Clock::now() >= *end_; }

std::chrono::system_clock::time_point ToSystemClock(Deadline::Clock::time_point point) {
  using System = std::chrono::system_clock;
  return System::now() + duration_cast<System::duration>(point - Deadline::Clock::now());
}

}  // namespace circuits
