"""Checks units of files, and decides which files form one configuration."""
