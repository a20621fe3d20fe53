// Calls that are made again when the connection breaks.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backoff.h"
#include "call_error.h"
#include "connection.h"

namespace circuits {

// The server, as one command of this program sees it.
class Link {
 public:
  // One try of a call, with a context that nothing has used before.
  using Attempt = std::function<grpc::Status(grpc::ClientContext&)>;

  Link(const ConnectionSettings& settings, const Deadline& deadline);

  // For the stubs of the services.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Tries until a try is OK. Throws a CallError when one ends for another
  // reason than a broken connection, when nothing was heard for too long, and
  // at the deadline.
  void Call(const Attempt& attempt);

  // A response arrived. An attempt that reads a stream says so for each.
  void Heard();

  // The highest sequence that the command has seen of its job.
  void set_sequence(std::uint64_t sequence) { sequence_ = sequence; }

 private:
  void AwaitFirstConnection();
  void Prepare(grpc::ClientContext& context) const;
  void PauseAfter(const CallError& error);

  std::shared_ptr<grpc::Channel> channel_;
  std::string authorization_;
  Deadline deadline_;
  Backoff backoff_;
  bool has_called_ = false;
  // Whether there was a connection at any time.
  bool was_connected_ = false;
  Deadline::Clock::time_point heard_at_;
  std::uint64_t sequence_ = 0;
};

}  // namespace circuits
