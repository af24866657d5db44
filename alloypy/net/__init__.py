"""NETWORK: client factory (auth, TLS, proxy), server, Connect/gRPC framing, backoff."""
