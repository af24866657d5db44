"""JSON path in the dialect of `json_path`: reader of texts, parser of paths, search.

Source: spec section 5, `json_path`.
"""
