"""Arrays of a request as NumPy has them, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.adapters.layout import arranged
from conformance.adapters.protocol import Outputs, Request

DTYPES = {"index": np.int64, "mask": np.bool_, "complex": np.complex128}


def named_arrays(request: Request) -> dict[str, NDArray[Any]]:
    """Makes the arguments of a request that are arrays.

    They are copied, because the harness hands the same ones to every implementation.
    """
    return {
        name: arranged(
            np.asarray(array, DTYPES.get(request.kinds.get(name, ""), float)),
            request.layout,
        )
        for name, array in {**request.inputs, **request.arrays}.items()
    }


def outputs_of(found: dict[str, Any]) -> Outputs:
    """Makes an answer of named arrays."""
    arrays = {key: np.asarray(value) for key, value in found.items()}
    return Outputs(
        arrays={key: array.astype(np.float64) for key, array in arrays.items()},
        dtypes={key: array.dtype.name for key, array in arrays.items()},
    )
