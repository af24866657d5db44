"""JSON path in the dialect of `json_path`: reader of texts, parser of paths, search.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""
