"""How long things are kept, and deleting what somebody asks to be deleted: rows and files together."""
