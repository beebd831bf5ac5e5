"""Backups of the whole installation, and putting one back: consistent while it runs, encrypted, verified."""
