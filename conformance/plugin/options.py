"""The suite as a pytest plugin: one test for each group of cases.

``pytest --pyargs conformance --conformance-impl py:my.module:adapter`` judges an
implementation in the continuous integration of its own project. Without the option
nothing is collected and nothing imported: what needs NumPy lies in other modules.
"""

import pytest

NAME = "conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup(NAME, "conformance of losses to their specification")
    group.addoption(
        "--conformance-impl",
        action="append",
        default=[],
        metavar="NAME",
        # Written out, as importing where it stands takes NumPy; a test compares.
        help="numpy, torch, jax, peer:library, py:package.module:attribute or "
        "exec:program; several by commas or by repeating the option. Judged by "
        "--pyargs conformance.",
    )
    for name, metavar, default, text in (
        ("profile", "NAMES", "", "Profiles, comma-separated; all by default."),
        ("select", "GLOB", "", "Only groups, sums or points that match."),
        ("device", "NAME", "cpu", "cpu or cuda."),
    ):
        option = f"--conformance-{name}"
        group.addoption(option, metavar=metavar, default=default, help=text)
    group.addoption(
        "--conformance-timeout",
        type=float,
        metavar="SECONDS",
        help="Seconds that an exec: program has for a case; 10 by default.",
    )
    group.addoption(
        "--conformance-quick",
        action="store_true",
        help="One group of each kind, no torch.compile.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Brings in the suite where it is asked for."""
    if config.getoption("--conformance-impl"):
        from conformance.plugin.session import Judging

        config.pluginmanager.register(Judging(config), f"{NAME}-judging")
