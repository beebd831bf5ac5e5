"""Calls, lines, contacts and messages."""
