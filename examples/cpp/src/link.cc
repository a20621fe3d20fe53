#include "link.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>

namespace circuits {

using Clock = Deadline::Clock;
using std::chrono::duration_cast;

namespace {

constexpr std::chrono::seconds kFirstConnection{5};
constexpr std::chrono::seconds kLongestOutage{60};

}  // namespace

Link::Link(const ConnectionSettings& settings, const Deadline& deadline)
    : channel_(OpenChannel(settings)), deadline_(deadline) {
  if (!settings.token.empty()) authorization_ = "Bearer " + settings.token;
}

void Link::Call(const Attempt& attempt) {
  if (!has_called_) AwaitFirstConnection();
  heard_at_ = Clock::now();
  backoff_.Reset();
  for (;;) {
    grpc::ClientContext context;
    Prepare(context);
    const grpc::Status status = attempt(context);
    if (status.ok()) return Heard();
    const CallError error(status);
    if (!error.IsBrokenConnection()) throw error;
    if (!was_connected_ || Clock::now() - heard_at_ >= kLongestOutage) throw error;
    PauseAfter(error);
    std::cerr << "reconnecting after sequence " << sequence_ << std::endl;
  }
}

void Link::Heard() {
  was_connected_ = true;
  heard_at_ = Clock::now();
  backoff_.Reset();
}

// The channel tries by itself meanwhile. Where there is no connection in the
// end, the one try that follows says why.
void Link::AwaitFirstConnection() {
  has_called_ = true;
  const Clock::time_point end = deadline_.Earlier(Clock::now() + kFirstConnection);
  was_connected_ = channel_->WaitForConnected(ToSystemClock(end));
}

void Link::Prepare(grpc::ClientContext& context) const {
  if (const auto deadline = deadline_.ForGrpc()) context.set_deadline(*deadline);
  if (!authorization_.empty()) context.AddMetadata("authorization", authorization_);
}

void Link::PauseAfter(const CallError& error) {
  Backoff::Pause pause = backoff_.Next();
  // What is longer than an outage may be makes no difference.
  if (const auto delay = error.retry_delay()) {
    pause = std::max(pause, std::min<Backoff::Pause>(*delay, kLongestOutage));
  }
  const Clock::time_point end = Clock::now() + duration_cast<Clock::duration>(pause);
  std::this_thread::sleep_until(deadline_.Earlier(end));
  if (deadline_.IsOver()) {
    const std::string message = std::string("the deadline is over; before that: ") + error.what();
    throw CallError(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, message));
  }
}

}  // namespace circuits
