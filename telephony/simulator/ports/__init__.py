"""What the host finds on its USB: serial nodes that are real pseudo-terminals, and where they are plugged in."""
