"""What the owner edits: FAQ, personas, presets, legal texts, consents."""
