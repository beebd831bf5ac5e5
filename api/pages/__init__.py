"""Static pages of the front door, as package data."""
