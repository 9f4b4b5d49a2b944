"""The report as one page, and the figures on it."""
