"""Melodies over what is given: a rhythm, or a chart of chords."""
