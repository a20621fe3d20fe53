// Package longwire is a small client of Longwire, which hosts quantum backends
// behind gRPC. It shows how to talk to a server from the .proto files alone: to
// submit a circuit, to follow its job through broken connections, to read its
// result, and to tell errors apart.
//
// The messages are in longwire/v1, which is generated.
package longwire

//go:generate ./generate.sh
