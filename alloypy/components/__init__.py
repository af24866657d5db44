"""The components, one module each, and what they share. `registry.py` names them all."""
