"""The line's own voice coming back: found, taken out."""
