"""What the user asked for and cannot have."""


class UsageError(Exception):
    """What was asked for cannot be done; the message says why, the status is 2."""
