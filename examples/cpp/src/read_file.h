#pragma once

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace circuits {

// The bytes of a file; nothing where it cannot be read or is empty.
inline std::optional<std::string> ReadFile(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // Fails, too, where nothing is copied: for a folder, say, which can be opened.
  if (!file || !(text << file.rdbuf())) return std::nullopt;
  return text.str();
}

}  // namespace circuits
