"""From the tree to the graph, without running anything: nodes, references, order, cycles, modules."""
