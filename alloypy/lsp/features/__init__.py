"""What editors ask for, one module for each feature; none of them knows the protocol."""
