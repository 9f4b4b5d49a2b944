"""Identities: what follows from the definitions, asked of the implementation alone.

No vector is needed, so they hold on any numbers; these are moderate ones, because
what becomes of large and small ones is for the vectors to say.
"""

from collections.abc import Iterator

from conformance.profiles.check import Check
from conformance.profiles.semantics import binary, common, ghm, softmax
from conformance.profiles.semantics._identity import Identity
from conformance.profiles.unit import Scope

DTYPES = ("float64", "float32")
IDENTITIES: tuple[Identity, ...] = (
    *binary.IDENTITIES,
    *softmax.IDENTITIES,
    *ghm.IDENTITIES,
    *common.IDENTITIES,
)


def units(scope: Scope) -> Iterator[Check]:
    """Every identity of the operation in every dtype.

    A quick run keeps one dtype and every fourth identity that needs no shape of its
    own. JAX, which compiles every primitive anew for every shape, dtype and use, is
    asked in one dtype, and in full runs alone.
    """
    if scope.plain != "eager":
        return
    claimed = [dtype for dtype in DTYPES if dtype in scope.capabilities.dtypes]
    own = [one for one in IDENTITIES if one.operation == scope.operation]
    if scope.quick:
        own = [one for one in own if not one.once][::4]
    for identity in own:
        once = identity.once or scope.quick or scope.compiles
        for dtype in claimed[-1:] if once else claimed:
            yield identity.check(dtype)
    for dtype in claimed[-1:]:
        yield from common.checks(scope.operation, dtype)
