#include "call_error.h"

#include <array>
#include <iomanip>
#include <sstream>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace circuits {

namespace {

constexpr char kDomain[] = "longwire";

// gRPC for C++ has no public function for the names.
constexpr std::array<const char*, 17> kStatusNames = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

std::string StatusName(grpc::StatusCode code) {
  const auto number = static_cast<int>(code);
  if (number < 0 || number >= static_cast<int>(kStatusNames.size())) return std::to_string(number);
  return kStatusNames[number];
}

}  // namespace

CallError::CallError(const grpc::Status& status)
    : std::runtime_error(status.error_message()), code_(status.error_code()) {
  // The trailer grpc-status-details-bin.
  ReadDetails(status.error_details());
}

void CallError::ReadDetails(const std::string& serialized_status) {
  google::rpc::Status status;
  // Details that cannot be read are left out: the status still counts.
  if (!status.ParseFromString(serialized_status)) return;
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    google::rpc::QuotaFailure quota_failure;
    google::rpc::RetryInfo retry_info;
    // UnpackTo is false where the detail is of another type.
    if (detail.UnpackTo(&info)) {
      if (info.domain() != kDomain) continue;
      reason_ = info.reason();
      metadata_.insert(info.metadata().begin(), info.metadata().end());
    } else if (detail.UnpackTo(&bad_request)) {
      for (const auto& each : bad_request.field_violations()) {
        field_violations_.push_back({each.field(), each.description()});
      }
    } else if (detail.UnpackTo(&quota_failure)) {
      for (const auto& each : quota_failure.violations()) {
        quota_violations_.push_back({each.subject(), each.description()});
      }
    } else if (detail.UnpackTo(&retry_info)) {
      const auto& delay = retry_info.retry_delay();
      retry_delay_ =
          std::chrono::seconds(delay.seconds()) + std::chrono::nanoseconds(delay.nanos());
    }
  }
}

bool CallError::IsBrokenConnection() const {
  return code_ == grpc::StatusCode::UNAVAILABLE || code_ == grpc::StatusCode::CANCELLED;
}

void PrintError(std::ostream& out, const CallError& error) {
  out << "error: " << StatusName(error.code());
  if (!error.reason().empty()) out << ' ' << error.reason();
  out << ": " << error.what() << '\n';
  // A std::map is in the order of its keys.
  for (const auto& [key, value] : error.metadata()) out << "  " << key << ": " << value << '\n';
  for (const Violation& each : error.field_violations()) {
    out << "  field " << each.subject << ": " << each.description << '\n';
  }
  for (const Violation& each : error.quota_violations()) {
    out << "  quota " << each.subject << ": " << each.description << '\n';
  }
  if (const auto delay = error.retry_delay()) {
    std::ostringstream seconds;
    seconds << std::fixed << std::setprecision(3) << delay->count();
    out << "  retry after " << seconds.str() << " s\n";
  }
  out.flush();
}

}  // namespace circuits
