"""The languages of texts in strings of a configuration, such as LogQL; loaded when there is such a text."""
