"""JSON over HTTP and gRPC-Web: an Envoy in front of the server, which starts and ends with it."""
