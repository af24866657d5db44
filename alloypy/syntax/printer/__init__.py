"""From the tree back to text: the formatter."""
