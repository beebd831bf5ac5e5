"""Who did what to which: the chain of the audit log, and the hook that writes it."""
