"""Files that form one configuration, and those that nearly do."""
