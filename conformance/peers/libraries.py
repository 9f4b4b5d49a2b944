"""Which libraries there are, whether they are here, and how each is asked."""

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from conformance.adapters.protocol import Adapter
from conformance.errors import UsageError

PREFIX = "peer:"


@dataclass(frozen=True)
class Library:
    """A library whose losses are wrapped.

    Attributes:
        name: Name in options, reports and files, as in ``peer:keras-jax``.
        module: Module whose ``make`` returns the adapter.
        packages: What must be importable, the library's own package first.
        framework: ``"torch"`` or ``"jax"``.
        restates: Version of the code that is restated in our own words; empty where
            the library's own code is called.
        keras: Backend of keras, which a process chooses once; empty for others.
    """

    name: str
    module: str
    packages: tuple[str, ...]
    framework: str
    restates: str = ""
    keras: str = ""

    @property
    def installed(self) -> bool:
        """Whether all that it needs can be imported."""
        return all(find_spec(package) is not None for package in self.packages)

    @property
    def version(self) -> str:
        """The installed version; empty if there is none."""
        if not self.installed:
            return ""
        return self.restates or importlib.metadata.version(self.packages[0])


def _named(*libraries: Library) -> Mapping[str, Library]:
    return {library.name: library for library in libraries}


_OWN = "conformance.peers."
LIBRARIES = _named(
    Library("torch", _OWN + "torch_functional", ("torch",), "torch"),
    Library("torchvision", _OWN + "torchvision_ops", ("torchvision", "torch"), "torch"),
    Library(
        "torchvision-formula",
        _OWN + "torchvision_formula",
        ("torch",),
        "torch",
        restates="0.29",
    ),
    Library("kornia", _OWN + "kornia_losses", ("kornia", "torch"), "torch"),
    Library("monai", _OWN + "monai_losses", ("monai", "torch"), "torch"),
    Library("optax", _OWN + "optax_losses", ("optax", "jax"), "jax"),
    Library("keras-jax", _OWN + "keras_losses", ("keras", "jax"), "jax", keras="jax"),
    Library(
        "keras-torch",
        _OWN + "keras_losses",
        ("keras", "torch"),
        "torch",
        keras="torch",
    ),
)


def adapter(name: str) -> Adapter:
    """Makes the adapter of a library.

    Args:
        name: Name of the library, without the prefix.

    Returns:
        The adapter, not started.

    Raises:
        UsageError: There is no such library, or it is not installed.
    """
    library = LIBRARIES.get(name)
    if library is None:
        known = ", ".join(PREFIX + one for one in LIBRARIES)
        raise UsageError(f"--impl: expected {known}, got {PREFIX + name!r}.")
    missing = [package for package in library.packages if not find_spec(package)]
    if missing:
        raise UsageError(
            f"--impl {PREFIX}{name}: {', '.join(missing)} is not installed; "
            "install equipoise[peers,torch,jax] or choose other libraries."
        )
    if library.keras:
        from conformance.peers.apart import Apart

        return Apart(library.module, {"KERAS_BACKEND": library.keras})
    return importlib.import_module(library.module).make()
