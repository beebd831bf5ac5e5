"""The same fake engines through this project and its peers, side by side. See `python -m bench.conversation --help`."""
