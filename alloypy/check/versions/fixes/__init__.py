"""How a configuration is changed so that a newer Alloy accepts it; what cannot be kept becomes a comment."""
