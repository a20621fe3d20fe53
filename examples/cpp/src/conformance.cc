// Reads messages of every type and writes them again, to show that C++ keeps them.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

namespace fs = std::filesystem;
using google::protobuf::Message;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// An empty message of a type whose name is known only now. Every generated
// file that is linked registers its types here.
std::unique_ptr<Message> NewMessage(const std::string& type_name) {
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type_name);
  if (descriptor == nullptr) throw std::runtime_error("there is no message " + type_name);
  const auto* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
  return std::unique_ptr<Message>(prototype->New());
}

// Deterministic: the entries of a map are in order, too.
std::string Encode(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  if (!message.SerializeToCodedStream(&coded)) throw std::runtime_error("cannot encode");
  coded.Trim();
  return bytes;
}

std::string EncodeJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) throw std::runtime_error("cannot encode as JSON: " + status.ToString());
  return text;
}

void DecodeJson(const std::string& text, Message* message) {
  const auto status = google::protobuf::util::JsonStringToMessage(text, message);
  if (!status.ok()) throw std::runtime_error("cannot decode JSON: " + status.ToString());
}

// The three conversions of one file. Each is tried even where another fails.
// Returns how many failed.
int Convert(const fs::path& path, const fs::path& output) {
  const std::string name = path.stem().string();
  const std::string type_name = "longwire.v1." + name.substr(0, name.find('.'));
  int failures = 0;
  const auto attempt = [&](const char* what, const auto& convert) {
    try {
      convert();
    } catch (const std::exception& error) {
      std::cerr << "error: " << name << ": " << what << ": " << error.what() << std::endl;
      ++failures;
    }
  };
  const auto read = [&] {
    std::unique_ptr<Message> message = NewMessage(type_name);
    if (!message->ParseFromString(ReadFile(path))) throw std::runtime_error("cannot decode");
    return message;
  };
  attempt("binary", [&] { WriteFile(output / (name + ".binpb"), Encode(*read())); });
  attempt("to JSON", [&] { WriteFile(output / (name + ".json"), EncodeJson(*read())); });

  fs::path json_path = path;
  json_path.replace_extension(".json");
  if (!fs::exists(json_path)) return failures;
  attempt("from JSON", [&] {
    const std::unique_ptr<Message> message = NewMessage(type_name);
    DecodeJson(ReadFile(json_path), message.get());
    WriteFile(output / (name + ".from_json.binpb"), Encode(*message));
  });
  return failures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "error: give two folders: conformance INPUT_DIR OUTPUT_DIR\n";
    return 2;
  }
  int failures = 0;
  try {
    fs::create_directories(argv[2]);
    for (const auto& entry : fs::directory_iterator(argv[1])) {
      if (entry.path().extension() != ".binpb") continue;
      failures += Convert(entry.path(), argv[2]);
    }
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
