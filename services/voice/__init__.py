"""The conversation on a line: listening, turn-taking, speaking, recording, latency. Knows no modem and no socket."""
