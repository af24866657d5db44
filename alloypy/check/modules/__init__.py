"""Modules: what is declared, imported and used, checked where it is used."""
