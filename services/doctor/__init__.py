"""What may be wrong with an installation, and how to mend it: one file a check, discovered by themselves."""
