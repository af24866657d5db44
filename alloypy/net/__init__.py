"""The network: servers, clients, Connect and gRPC, and what they share."""
