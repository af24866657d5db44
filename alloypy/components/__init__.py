"""ONE COMPONENT = ONE MODULE. The registry is the tuple in `alloypy.components.registry`."""
