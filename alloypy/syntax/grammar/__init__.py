"""From the grammar's text to the machine that parses with it."""
