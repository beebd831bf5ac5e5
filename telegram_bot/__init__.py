"""The Telegram channel: messages to a bot, answered by the same secretary. Its line and router come here."""
