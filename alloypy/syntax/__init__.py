"""TEXT -> TOKENS -> TREE -> TEXT: the Alloy configuration language, without its meaning."""
