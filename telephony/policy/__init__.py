"""What the owner has laid down for a line: who is answered, when, how, and whom the machine may call."""
