"""The values of expressions, as far as they are known without running anything."""
