"""Secrets, sealed."""
