"""What a message means: a table of messages and silent failures, and a function that asks it."""
