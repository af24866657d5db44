"""The protocol: messages to and from the features."""
