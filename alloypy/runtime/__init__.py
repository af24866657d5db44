"""GRAPH -> RUNNING: component contract, registry, stability gate, controller, supervisor, health."""
