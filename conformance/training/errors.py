"""What a comparison was asked for and cannot do."""


class UsageError(ValueError):
    """A request that cannot be carried out; the exit status is 2."""
