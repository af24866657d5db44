"""`alloypy queue`: looks into queues on disk, and changes those that are stopped."""
