"""The lint rules by theme; `alloypy.check.lint.THEMES` lists the modules."""
