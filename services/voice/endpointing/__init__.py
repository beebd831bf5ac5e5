"""When a turn of the caller is over: words, pace, silence, tone."""
