"""What is at a place of a text: the blocks around it, what is expected there, and what can be named."""
