"""The pages of the admin server, read by people; imported when somebody opens the first one."""
