"""The only place that speaks gRPC: one channel, one method for each RPC, messages in and out."""
