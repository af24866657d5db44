"""What the author of a mistake probably meant."""
