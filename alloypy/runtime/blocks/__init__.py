"""The arguments of the blocks that are not components, one file per subject."""
