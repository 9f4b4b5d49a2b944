"""Reports: a stream of results as JSON, and a summary for people."""
