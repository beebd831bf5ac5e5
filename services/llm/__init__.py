"""Mind: one file per language-model provider behind `protocol.LanguageModel`, and the manager that chooses."""
