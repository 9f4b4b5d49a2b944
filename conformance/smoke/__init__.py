"""Is the adapter right? Trivial questions, before an implementation is judged."""
