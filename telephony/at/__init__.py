"""The AT dialogue with a modem: a core without input and output, and an asyncio channel around it."""
