"""DATA: label sets, push series, ingest requests, relabel rules, pprof, generated protobuf. No network."""
