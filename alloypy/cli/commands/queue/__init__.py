"""`alloypy queue`: looks into queues on disk, and changes them."""
