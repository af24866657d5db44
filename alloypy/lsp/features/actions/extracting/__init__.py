"""Moves components into a module: what they are connected with, what the parts are called, the new text."""
