"""Drawings of components and of what flows between them: a picture is laid out, and written in a format.

Pure: a picture comes from a checked configuration or from a running one, and nothing here knows which.
Every output is the same, byte for byte, for the same picture.
"""
