"""Alembic's environment and the revisions, found by path from services.storage.migrate."""
