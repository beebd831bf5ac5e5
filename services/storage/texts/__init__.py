"""Text messages that came and that are to go."""
