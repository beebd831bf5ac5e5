"""Ears: one file per engine behind `protocol.SpeechToText`, and the manager that chooses among them."""
