"""Calls as they happened: events, turns, conversations, messages, lines."""
