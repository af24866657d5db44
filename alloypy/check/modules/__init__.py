"""Modules: checks what is declared and imported wherever it is used."""
