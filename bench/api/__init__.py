"""What the API costs: see __main__."""
