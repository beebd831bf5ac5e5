"""The first seconds of a call that the secretary has placed."""
