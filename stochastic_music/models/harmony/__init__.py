"""Harmony in four voices: a skeleton of chords for a whole melody, and voices that are chosen one from the other."""
