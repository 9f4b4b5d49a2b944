"""Losses of other libraries, under the names and arguments of ours.

A wrapper maps our signature to theirs and adds nothing to the mathematics, and what the
library lacks, the wrapper lacks. Where another default would mean another loss, such as
a weight of classes, the library is told ours; ``reduction`` has the library's.
"""

from conformance.peers.libraries import LIBRARIES, Library, adapter

__all__ = ["LIBRARIES", "Library", "adapter"]
