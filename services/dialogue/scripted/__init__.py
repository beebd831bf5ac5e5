"""The secretary's own script: what she does without any language model. Phrases and intents are data, per language."""
