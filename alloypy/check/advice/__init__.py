"""What a fault was probably meant to be."""
