// A job from its submission to its end, whatever happens to the connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "link.h"
#include "longwire/v1/job_event.pb.h"
#include "longwire/v1/job_service.grpc.pb.h"

namespace circuits {

// The name of a state without its prefix; the number of one that this program
// does not know yet.
std::string StateName(longwire::v1::JobState state);

// Reads the events of one job and prints its states as they are told.
class JobFollower {
 public:
  explicit JobFollower(Link& link);

  // Submits a job, prints its id, and follows it. The request needs a request_id:
  // it is sent again until the server has said that the job is accepted.
  longwire::v1::JobFinished Run(const longwire::v1::RunJobRequest& request);

  // Follows a job that was submitted before.
  longwire::v1::JobFinished Watch(const std::string& job_id);

 private:
  grpc::Status ResumeWatch(grpc::ClientContext& context);

  // Reads a stream of RunJob or WatchJob; OK where it told the end of the job.
  template <typename Response>
  grpc::Status ReadEvents(grpc::ClientContext& context,
                          std::unique_ptr<grpc::ClientReader<Response>> stream);

  void Take(const longwire::v1::JobEvent& event);
  void TellState(std::uint64_t sequence, longwire::v1::JobState state);

  Link& link_;
  std::unique_ptr<longwire::v1::JobService::Stub> jobs_;
  // Empty until the job is accepted.
  std::string job_id_;
  // Whether the job belongs to the calls that follow it, and ends with them.
  bool owns_job_ = false;
  std::uint64_t sequence_ = 0;
  std::optional<longwire::v1::JobState> told_state_;
  std::optional<longwire::v1::JobFinished> finished_;
};

}  // namespace circuits
