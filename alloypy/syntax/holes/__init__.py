"""The tree of a text that is not, or not yet, Alloy: what can be read of it, with holes where it cannot."""
