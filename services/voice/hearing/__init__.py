"""The listening half of a call."""
