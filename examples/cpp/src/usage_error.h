#pragma once

#include <stdexcept>

namespace circuits {

// The program was called in a wrong way; the message says what to write instead.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace circuits
