"""Components that find targets."""
