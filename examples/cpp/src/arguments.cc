#include "arguments.h"

#include <charconv>
#include <map>

#include "usage_error.h"

namespace circuits {

const char kUsage[] =
    R"(usage: circuits [--deadline SECONDS] COMMAND

  backends         the server's backends, and how they are
  run FILE         runs the OpenQASM 3 circuit in FILE and prints its result
  submit FILE      submits it and prints the job's id
  watch JOB_ID     prints the states of a job to its end, and its result
  result JOB_ID    prints the result of a job
  cancel JOB_ID    cancels a job

options of run and submit:
  --backend NAME         default: aer_simulator
  --shots N              default: 1024
  --seed N               the simulator's seed
  --memory               asks for the outcome of every shot
  --statevector          asks for the state at the end of the circuit
  --name NAME            a name for the job
  --option NAME=TEXT     an option of the backend, any number of times

The server: LONGWIRE_ADDRESS (default localhost:50051), LONGWIRE_CA, LONGWIRE_TOKEN.
)";

namespace {

constexpr double kLongestDeadline = 1e9;

const std::map<std::string, Command> kCommands = {
    {"backends", Command::kBackends}, {"run", Command::kRun},       {"submit", Command::kSubmit},
    {"watch", Command::kWatch},       {"result", Command::kResult}, {"cancel", Command::kCancel},
};

template <typename Number>
std::optional<Number> ParseNumber(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

// The words of the command line, one after another.
class Words {
 public:
  explicit Words(const std::vector<std::string>& words) : words_(words) {}

  bool IsAtEnd() const { return next_ == words_.size(); }
  const std::string& Peek() const { return words_[next_]; }
  const std::string& Take() { return words_[next_++]; }

  const std::string& TakeValue(const std::string& option, const std::string& what) {
    if (IsAtEnd()) throw UsageError(option + " has no value; write " + option + " " + what);
    return Take();
  }

 private:
  const std::vector<std::string>& words_;
  std::size_t next_ = 0;
};

std::uint64_t TakeCount(Words& words, const std::string& option) {
  const std::string& text = words.TakeValue(option, "N");
  const auto number = ParseNumber<std::uint64_t>(text);
  if (!number) {
    throw UsageError(option + " is \"" + text + "\"; write a whole number from 0 to 2^64 - 1");
  }
  return *number;
}

double TakeDeadline(Words& words) {
  const std::string& text = words.TakeValue("--deadline", "SECONDS");
  const auto seconds = ParseNumber<double>(text);
  // Written so that NaN is refused, too.
  if (!seconds || !(*seconds > 0 && *seconds <= kLongestDeadline)) {
    throw UsageError("--deadline is \"" + text + "\"; write a number of seconds above 0, as 2.5");
  }
  return *seconds;
}

void TakeBackendOption(Words& words, Arguments& arguments) {
  const std::string& text = words.TakeValue("--option", "NAME=TEXT");
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError("--option is \"" + text + "\"; write --option NAME=TEXT");
  }
  arguments.backend_options.emplace_back(text.substr(0, equals), text.substr(equals + 1));
}

void TakeJobOption(Words& words, Arguments& arguments) {
  const std::string& option = words.Take();
  if (option == "--backend") {
    arguments.backend_name = words.TakeValue(option, "NAME");
  } else if (option == "--shots") {
    arguments.shots = TakeCount(words, option);
  } else if (option == "--seed") {
    arguments.seed = TakeCount(words, option);
  } else if (option == "--memory") {
    arguments.memory = true;
  } else if (option == "--statevector") {
    arguments.save_statevector = true;
  } else if (option == "--name") {
    arguments.name = words.TakeValue(option, "NAME");
  } else if (option == "--option") {
    TakeBackendOption(words, arguments);
  } else {
    throw UsageError("there is no option " + option +
                     "; write --backend, --shots, --seed, --memory, --statevector, --name or "
                     "--option");
  }
}

bool IsOption(const std::string& word) { return word.starts_with("-"); }

Command TakeCommand(Words& words) {
  const std::string& word = words.Take();
  const auto found = kCommands.find(word);
  if (found == kCommands.end()) {
    throw UsageError("there is no " + std::string(IsOption(word) ? "option " : "command ") + word +
                     "; write backends, run, submit, watch, result or cancel");
  }
  return found->second;
}

// Where the command's one word that is no option belongs; null where it has none.
std::string* Operand(Arguments& arguments) {
  switch (arguments.command) {
    case Command::kRun:
    case Command::kSubmit:
      return &arguments.file;
    case Command::kWatch:
    case Command::kResult:
    case Command::kCancel:
      return &arguments.job_id;
    default:
      return nullptr;
  }
}

}  // namespace

Arguments ParseArguments(const std::vector<std::string>& list) {
  Words words(list);
  Arguments arguments;
  while (!words.IsAtEnd() && words.Peek() == "--deadline") {
    words.Take();
    arguments.deadline_seconds = TakeDeadline(words);
  }
  if (words.IsAtEnd()) {
    throw UsageError("no command; write backends, run, submit, watch, result or cancel");
  }
  if (words.Peek() == "--help" || words.Peek() == "-h") return arguments;
  arguments.command = TakeCommand(words);

  std::string* operand = Operand(arguments);
  const bool is_file = operand == &arguments.file;
  while (!words.IsAtEnd()) {
    if (IsOption(words.Peek())) {
      if (!is_file) throw UsageError(words.Peek() + " is no option of this command; leave it out");
      TakeJobOption(words, arguments);
    } else if (operand != nullptr && operand->empty()) {
      *operand = words.Take();
    } else {
      throw UsageError("\"" + words.Peek() + "\" is too much; leave it out");
    }
  }
  if (operand != nullptr && operand->empty()) {
    throw UsageError(is_file ? "name the FILE with the circuit" : "give the JOB_ID");
  }
  return arguments;
}

}  // namespace circuits
