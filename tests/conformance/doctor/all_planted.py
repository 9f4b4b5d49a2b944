"""All planted ailments: importing a module registers what it plants."""

import tests.conformance.doctor.planted_data
import tests.conformance.doctor.planted_training  # noqa: F401 - registers
from tests.conformance.doctor.planting import PLANTED

__all__ = ["PLANTED"]
