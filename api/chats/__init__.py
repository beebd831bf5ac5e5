"""Text chats."""
