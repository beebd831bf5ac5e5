"""Calls over SIP: signalling in a process of its own, sound over RTP here."""
