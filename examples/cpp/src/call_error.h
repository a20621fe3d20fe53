// Why a call failed, in a form from which a program can decide what to do.
#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace circuits {

// A field of the request that is wrong, or a limit that was exceeded.
struct Violation {
  std::string subject;
  std::string description;
};

// A call that ended with another status than OK.
class CallError : public std::runtime_error {
 public:
  // Reads the details that the server has sent with the status.
  explicit CallError(const grpc::Status& status);

  grpc::StatusCode code() const { return code_; }

  // The name of a longwire.v1.ErrorReason without its prefix; empty where the
  // error does not come from Longwire itself. Decide by this, not by what().
  const std::string& reason() const { return reason_; }

  // What belongs to the reason, by name.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  const std::vector<Violation>& field_violations() const { return field_violations_; }
  const std::vector<Violation>& quota_violations() const { return quota_violations_; }

  // How long to wait at least before the call is made again, if the server says so.
  std::optional<std::chrono::duration<double>> retry_delay() const { return retry_delay_; }

  // Whether the connection broke, or the server went away: it is worth trying
  // again. Nobody but this program cancels its calls, so CANCELLED is that, too.
  bool IsBrokenConnection() const;

 private:
  void ReadDetails(const std::string& serialized_status);

  grpc::StatusCode code_;
  std::string reason_;
  std::map<std::string, std::string> metadata_;
  std::vector<Violation> field_violations_;
  std::vector<Violation> quota_violations_;
  std::optional<std::chrono::duration<double>> retry_delay_;
};

// Writes an error for people: a line, and one for each detail.
void PrintError(std::ostream& out, const CallError& error);

}  // namespace circuits
