"""The texts that are open in the editor: positions, edits, sections, trees."""
