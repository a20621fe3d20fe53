#include "follow_job.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <utility>

#include "watchdog.h"

namespace circuits {

using longwire::v1::Job;
using longwire::v1::JobEvent;
using longwire::v1::JobFinished;
using longwire::v1::JobService;
using longwire::v1::JobState;
using longwire::v1::RunJobRequest;
using longwire::v1::WatchJobRequest;

namespace {

// The server sends a heartbeat after 15 s.
constexpr std::chrono::seconds kLongestSilence{50};
constexpr char kStatePrefix[] = "JOB_STATE_";

}  // namespace

std::string StateName(JobState state) {
  const std::string& name = longwire::v1::JobState_Name(state);
  return name.empty() ? std::to_string(state) : name.substr(sizeof(kStatePrefix) - 1);
}

JobFollower::JobFollower(Link& link) : link_(link), jobs_(JobService::NewStub(link.channel())) {}

JobFinished JobFollower::Run(const RunJobRequest& request) {
  owns_job_ = request.cancel_with_call();
  link_.Call([&](grpc::ClientContext& context) {
    if (!job_id_.empty()) return ResumeWatch(context);
    return ReadEvents(context, jobs_->RunJob(&context, request));
  });
  return *std::move(finished_);
}

JobFinished JobFollower::Watch(const std::string& job_id) {
  job_id_ = job_id;
  link_.Call([&](grpc::ClientContext& context) { return ResumeWatch(context); });
  return *std::move(finished_);
}

grpc::Status JobFollower::ResumeWatch(grpc::ClientContext& context) {
  WatchJobRequest request;
  request.set_job_id(job_id_);
  request.set_resume_after(sequence_);
  request.set_cancel_with_call(owns_job_);
  return ReadEvents(context, jobs_->WatchJob(&context, request));
}

template <typename Response>
grpc::Status JobFollower::ReadEvents(grpc::ClientContext& context,
                                     std::unique_ptr<grpc::ClientReader<Response>> stream) {
  Watchdog watchdog(context, kLongestSilence);
  Response response;
  while (!finished_ && stream->Read(&response)) {
    watchdog.Reset();
    link_.Heard();
    for (const JobEvent& event : response.events()) Take(event);
  }
  if (finished_) {
    // Nothing more is of interest, not even whether the server ends the stream.
    context.TryCancel();
    stream->Finish();
    return grpc::Status::OK;
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return status;
  return {grpc::StatusCode::UNAVAILABLE, "the stream ended before the job did"};
}

void JobFollower::Take(const JobEvent& event) {
  switch (event.event_case()) {
    case JobEvent::kAccepted: {
      const Job& job = event.accepted().job();
      job_id_ = job.job_id();
      std::cout << "job " << job_id_ << std::endl;
      // A request that was sent again gets the job as it is by now, which is
      // further than this event is.
      TellState(std::max(event.sequence(), job.sequence()), job.status().status());
      break;
    }
    case JobEvent::kStatusChanged:
      TellState(event.sequence(), event.status_changed().status());
      break;
    case JobEvent::kFinished:
      TellState(event.sequence(), event.finished().job().status().status());
      finished_ = event.finished();
      break;
    default:
      // Positions, progress and heartbeats change no state. EVENT_NOT_SET is a
      // kind that is newer than this program.
      break;
  }
}

// After a broken connection a state can be told a second time.
void JobFollower::TellState(std::uint64_t sequence, JobState state) {
  if (sequence < sequence_ || state == told_state_) return;
  sequence_ = sequence;
  told_state_ = state;
  link_.set_sequence(sequence);
  std::cout << "state " << StateName(state) << std::endl;
}

}  // namespace circuits
