"""From text to tokens to the tree, and back to text: the language without its meaning."""
