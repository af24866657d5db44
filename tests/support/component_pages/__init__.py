"""The pages of docs/components, one for each component that alloypy runs, and what leads to them.

`python3 dev.py docs` writes them again; a test compares the committed pages with them.
"""
