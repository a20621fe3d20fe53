// A client of Longwire for the command line; see README.md.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "arguments.h"
#include "backoff.h"
#include "call_error.h"
#include "commands.h"
#include "connection.h"
#include "link.h"
#include "usage_error.h"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  // gRPC writes what goes wrong in a connection to stderr; here it is in the
  // errors. Whoever sets the variable sees it.
  setenv("GRPC_VERBOSITY", "NONE", /*replace=*/0);
  try {
    const auto arguments = circuits::ParseArguments({argv + 1, argv + argc});
    // Fixed here: all calls and pauses of the command have to fit in.
    circuits::Deadline deadline;
    if (arguments.deadline_seconds) {
      deadline = circuits::Deadline(std::chrono::duration<double>(*arguments.deadline_seconds));
    }
    circuits::Link link(circuits::ReadEnvironment(), deadline);
    circuits::Execute(arguments, link);
    return EXIT_SUCCESS;
  } catch (const circuits::UsageError& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return kWrongUsage;
  } catch (const circuits::CallError& error) {
    circuits::PrintError(std::cerr, error);
    return kFailed;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return kFailed;
  }
}
