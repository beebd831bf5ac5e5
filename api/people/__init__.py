"""Signing in, users, keys, companies."""
