"""What the history of Alloy says about a configuration: the versions that load it, and upgrades."""
