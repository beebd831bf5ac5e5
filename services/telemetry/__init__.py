"""What calls look like from outside: figures for Prometheus and traces for OpenTelemetry, made of the calls' events.

The room reads the event bus and nothing else, so a call never waits for it. What it lets out are times, counts and
names of ours: never what somebody said, never a number.
"""
