"""Counting what follows what, in corpora of any size: packed integers, sorted, merged, spilled to disk."""
