"""The tree of a text that is not (yet) valid Alloy: everything readable, with holes for the rest."""
