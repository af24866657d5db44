"""Code actions: changes that an editor offers at a place, one module for each kind."""
