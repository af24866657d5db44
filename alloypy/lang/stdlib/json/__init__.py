"""JSON as Alloy reads and writes it."""
