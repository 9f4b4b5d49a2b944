"""PyTorch's own losses, under the names and arguments of ours."""

import importlib.util

import torch

from conformance.adapters import from_functions
from conformance.peers import torch_functional, torchvision_formula, torchvision_ops

# By its own function where it is installed.
TORCHVISION = (
    torchvision_formula
    if importlib.util.find_spec("torchvision") is None
    else torchvision_ops
)
FUNCTIONS = {**torch_functional.FUNCTIONS, **TORCHVISION.FUNCTIONS}

adapter = from_functions(
    FUNCTIONS, framework="torch", name="PyTorch", version=torch.__version__
)
