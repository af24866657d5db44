"""`string.format`: Go's verbs."""
