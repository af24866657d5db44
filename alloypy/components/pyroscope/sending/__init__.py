"""The parts of pyroscope.write: endpoints, what is sent to them, tries, and metrics."""
