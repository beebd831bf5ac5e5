"""The module itself: its memory, its AT channel, its commands, its sound."""
