"""What the author of a fault probably meant."""
