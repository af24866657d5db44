"""The messages of Pyroscope's push and debuginfo APIs, generated from the .proto files beside.

Only the field numbers and names are Pyroscope's. `generate.py` makes the modules again.
"""
