"""Reading from HTTP servers, for `import.http`."""
