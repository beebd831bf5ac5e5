"""What the company knows: FAQ matching now, documents later."""
