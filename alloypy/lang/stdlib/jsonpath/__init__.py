"""JSONPath in the dialect of `json_path`: a reader of JSON texts, a parser of paths, and the search.

Source: docs/spec/SYNTAX.md, section 5, `json_path`.
"""
