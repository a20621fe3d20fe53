// The command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace circuits {

enum class Command { kHelp, kBackends, kRun, kSubmit, kWatch, kResult, kCancel };

struct Arguments {
  Command command = Command::kHelp;
  std::optional<double> deadline_seconds;

  // Of watch, result and cancel.
  std::string job_id;

  // Of run and submit.
  std::string file;
  std::string backend_name = "aer_simulator";
  std::uint64_t shots = 1024;
  std::optional<std::uint64_t> seed;
  bool memory = false;
  bool save_statevector = false;
  std::string name;
  std::vector<std::pair<std::string, std::string>> backend_options;
};

extern const char kUsage[];

// Throws a UsageError that says what to write instead.
Arguments ParseArguments(const std::vector<std::string>& words);

}  // namespace circuits
