"""The speaking half of a call: one reply at a time, and what was really heard of it."""
