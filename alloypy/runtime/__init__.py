"""From the graph to running components: evaluation, reloads, supervision, health."""
