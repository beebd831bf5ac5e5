"""What the owner edits, and what there is to choose from."""
