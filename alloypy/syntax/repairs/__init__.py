"""What a mistake in a file was probably meant to be."""
