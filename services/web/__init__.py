"""What every router shares."""
