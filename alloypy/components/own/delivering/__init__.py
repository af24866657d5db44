"""The parts of alloypy.queue: what it stores of a profile, and how it delivers what is stored."""
