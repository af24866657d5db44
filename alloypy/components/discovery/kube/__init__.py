"""The parts of discovery.kubernetes: reach the API, follow its resources, make targets of them."""
