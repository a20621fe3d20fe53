// Conformance decodes messages of every type of Longwire and encodes them again,
// in both forms, so that a test can compare them with what went in:
//
//	conformance INPUT_DIR OUTPUT_DIR
//
// INPUT_DIR/NAME.binpb holds a message whose type is the part of NAME before the
// first point. OUTPUT_DIR gets NAME.binpb and NAME.json, and, where there is an
// INPUT_DIR/NAME.json, NAME.from_json.binpb.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	// Registers the types, which are found by their names.
	_ "longwire/v1"
)

var (
	binary = proto.MarshalOptions{Deterministic: true}
	// The names of the .proto files. Go's library varies the spaces in what it
	// writes, so that nobody compares it as text.
	json = protojson.MarshalOptions{UseProtoNames: true, Multiline: true}
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "error: two folders are needed; write: conformance INPUT_DIR OUTPUT_DIR")
		os.Exit(2)
	}
	if err := convertAll(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// convertAll converts every message, and tells together what went wrong.
func convertAll(input, output string) error {
	paths, err := filepath.Glob(filepath.Join(input, "*.binpb"))
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("no file *.binpb in %s", input)
	}
	if err := os.MkdirAll(output, 0o755); err != nil {
		return err
	}
	var failures []error
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".binpb")
		if err := convert(filepath.Join(input, name), filepath.Join(output, name)); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(failures...)
}

// convert converts one message; the paths are without their endings.
func convert(input, output string) error {
	typeName, _, _ := strings.Cut(filepath.Base(input), ".")
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(
		protoreflect.FullName("longwire.v1." + typeName))
	if err != nil {
		return err
	}
	return errors.Join(
		fromBinary(messageType.New().Interface(), input, output),
		fromJSON(messageType.New().Interface(), input, output),
	)
}

func fromBinary(message proto.Message, input, output string) error {
	data, err := os.ReadFile(input + ".binpb")
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(data, message); err != nil {
		return err
	}
	again, err := binary.Marshal(message)
	if err != nil {
		return err
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(output+".binpb", again, 0o644),
		os.WriteFile(output+".json", text, 0o644),
	)
}

func fromJSON(message proto.Message, input, output string) error {
	text, err := os.ReadFile(input + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(text, message); err != nil {
		return err
	}
	data, err := binary.Marshal(message)
	if err != nil {
		return err
	}
	return os.WriteFile(output+".from_json.binpb", data, 0o644)
}
