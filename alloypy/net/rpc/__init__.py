"""Connect and gRPC calls, on both sides."""
