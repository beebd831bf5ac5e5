"""The secretary: words in, words and effects out. Knows no audio, no line, no database library."""
