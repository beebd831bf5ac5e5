"""Mouth: one file per engine behind `protocol.TextToSpeech`, and the manager that chooses among them."""
