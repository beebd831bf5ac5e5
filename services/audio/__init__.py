"""Frames, resampling, G.711, sound files, playout and recording: everything between a line and the engines."""
