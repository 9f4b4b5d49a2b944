"""Examines a file of scores: what is wrong with it, why, and what to do."""
