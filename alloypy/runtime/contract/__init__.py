"""What a component and the runtime promise each other."""
