"""Engines in processes of their own: a crash, a leak or a held GIL there must not reach a call."""
