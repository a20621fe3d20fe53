#include "commands.h"

#include <openssl/rand.h>

#include <array>
#include <iostream>
#include <stdexcept>

#include "follow_job.h"
#include "longwire/v1/backend_service.grpc.pb.h"
#include "longwire/v1/job_service.grpc.pb.h"
#include "print_result.h"
#include "read_file.h"
#include "read_result.h"
#include "usage_error.h"

namespace circuits {

namespace v1 = longwire::v1;

namespace {

constexpr char kReasonPrefix[] = "ERROR_REASON_";

std::string ReasonName(v1::ErrorReason reason) {
  const std::string& name = v1::ErrorReason_Name(reason);
  return name.empty() ? std::to_string(reason) : name.substr(sizeof(kReasonPrefix) - 1);
}

// A random UUID (version 4).
std::string RandomUuid() {
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) {
    throw std::runtime_error("OpenSSL has no random numbers");
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 0x0f];
  }
  return text;
}

std::string ReadCircuit(const std::string& path) {
  if (const auto text = ReadFile(path)) return *text;
  throw UsageError("\"" + path + "\" cannot be read or is empty; name a file with OpenQASM 3");
}

v1::JobSpec MakeSpec(const Arguments& arguments) {
  v1::JobSpec spec;
  spec.set_backend_name(arguments.backend_name);
  spec.set_name(arguments.name);
  spec.mutable_program()->set_format(v1::PROGRAM_FORMAT_OPENQASM3);
  spec.mutable_program()->add_payloads(ReadCircuit(arguments.file));

  v1::RunOptions& options = *spec.mutable_options();
  options.set_counts_format(v1::COUNTS_FORMAT_BITSTRINGS);
  options.set_shots(arguments.shots);
  // A field that is not set takes the backend's default.
  if (arguments.seed) options.set_seed_simulator(*arguments.seed);
  if (arguments.memory) options.set_memory(true);
  options.set_save_statevector(arguments.save_statevector);
  for (const auto& [name, text] : arguments.backend_options) {
    v1::StructField& field = *options.mutable_backend_options()->add_fields();
    field.set_name(name);
    field.mutable_value()->set_string_value(text);
  }
  return spec;
}

v1::Result FetchResult(const std::string& job_id, Link& link) {
  const auto jobs = v1::JobService::NewStub(link.channel());
  v1::GetResultRequest request;
  request.set_job_id(job_id);
  v1::EncodedResult encoded;
  std::uint64_t total_bytes = 0;
  link.Call([&](grpc::ClientContext& context) {
    // A new try begins with the first chunk again.
    encoded.Clear();
    std::string data;
    const auto stream = jobs->GetResult(&context, request);
    v1::GetResultResponse response;
    while (stream->Read(&response)) {
      link.Heard();
      if (response.has_header()) {
        encoded = response.header();
        total_bytes = response.total_bytes();
      }
      data += response.chunk();
    }
    encoded.set_data(std::move(data));
    return stream->Finish();
  });
  if (encoded.data().size() != total_bytes) {
    throw std::runtime_error("the result is shorter or longer than the server said");
  }
  return ReadResult(encoded);
}

// The result of a job that has ended, wherever it is; throws where there is none.
void PrintOutcome(const v1::JobFinished& finished, Link& link) {
  const v1::Job& job = finished.job();
  switch (job.status().status()) {
    case v1::JOB_STATE_DONE:
      // A large result does not come with the event.
      PrintResult(std::cout, finished.has_result() ? ReadResult(finished.result())
                                                   : FetchResult(job.job_id(), link));
      break;
    case v1::JOB_STATE_CANCELLED:
      throw std::runtime_error("the job was cancelled");
    case v1::JOB_STATE_ERROR:
      throw std::runtime_error("job " + job.job_id() + " failed: " +
                               ReasonName(job.error().reason()) + ": " + job.error().message());
    default:
      throw std::runtime_error("job " + job.job_id() + " ended in the unknown state " +
                               StateName(job.status().status()));
  }
}

void PrintBackends(Link& link) {
  const auto backends = v1::BackendService::NewStub(link.channel());
  v1::ListBackendsResponse response;
  link.Call([&](grpc::ClientContext& context) {
    return backends->ListBackends(&context, v1::ListBackendsRequest(), &response);
  });
  for (const v1::Backend& backend : response.backends()) {
    const v1::BackendStatus& status = backend.status();
    std::cout << backend.name() << '\t' << (status.operational() ? "operational" : "down") << '\t'
              << status.pending_jobs() << '\t' << status.status_msg() << std::endl;
  }
}

void Run(const Arguments& arguments, Link& link) {
  v1::RunJobRequest request;
  *request.mutable_spec() = MakeSpec(arguments);
  request.set_request_id(RandomUuid());
  // A command with a deadline takes its job along.
  request.set_cancel_with_call(arguments.deadline_seconds.has_value());
  PrintOutcome(JobFollower(link).Run(request), link);
}

void Submit(const Arguments& arguments, Link& link) {
  const auto jobs = v1::JobService::NewStub(link.channel());
  v1::SubmitJobRequest request;
  *request.mutable_spec() = MakeSpec(arguments);
  // With it, the second try of a request whose answer was lost makes no second job.
  request.set_request_id(RandomUuid());
  v1::SubmitJobResponse response;
  link.Call(
      [&](grpc::ClientContext& context) { return jobs->SubmitJob(&context, request, &response); });
  std::cout << "job " << response.job().job_id() << std::endl;
}

void Cancel(const std::string& job_id, Link& link) {
  const auto jobs = v1::JobService::NewStub(link.channel());
  v1::CancelJobRequest request;
  request.set_job_id(job_id);
  v1::CancelJobResponse response;
  link.Call(
      [&](grpc::ClientContext& context) { return jobs->CancelJob(&context, request, &response); });
  std::cout << "state " << StateName(response.job().status().status()) << std::endl;
}

}  // namespace

void Execute(const Arguments& arguments, Link& link) {
  switch (arguments.command) {
    case Command::kHelp:
      std::cout << kUsage;
      return;
    case Command::kBackends:
      return PrintBackends(link);
    case Command::kRun:
      return Run(arguments, link);
    case Command::kSubmit:
      return Submit(arguments, link);
    case Command::kWatch:
      return PrintOutcome(JobFollower(link).Watch(arguments.job_id), link);
    case Command::kResult:
      return PrintResult(std::cout, FetchResult(arguments.job_id, link));
    case Command::kCancel:
      return Cancel(arguments.job_id, link);
  }
}

}  // namespace circuits
