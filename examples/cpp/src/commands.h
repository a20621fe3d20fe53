// What the program does for each command.
#pragma once

#include "arguments.h"
#include "link.h"

namespace circuits {

// Throws what went wrong: a CallError, a UsageError, or another
// std::runtime_error.
void Execute(const Arguments& arguments, Link& link);

}  // namespace circuits
