"""TREE -> GRAPH, pure: nodes, references, order, cycles, modules."""
