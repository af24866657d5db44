"""`alloypy lsp`."""
