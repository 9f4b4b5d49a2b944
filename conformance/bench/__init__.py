"""Speed and memory of the losses, beside what others offer for the same."""
