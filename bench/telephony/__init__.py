"""Measurements of the GSM channel; each module runs by itself: python -m bench.telephony.<name>."""
