"""From blocks to values: what a load evaluates, and in which order."""
