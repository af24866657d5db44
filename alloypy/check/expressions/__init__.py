"""What expressions are worth, as far as that is known without running anything."""
