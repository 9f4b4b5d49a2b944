"""Starts the command line, or says which package it lacks."""

import sys

# What the extra brings, by the names that are imported.
EXTRA = (
    "jinja2",
    "joblib",
    "matplotlib",
    "mpmath",
    "packaging",
    "pandas",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "threadpoolctl",
    "typer",
)


def main() -> None:
    """Runs the command line; packages that are not installed are status 2."""
    try:
        from conformance.cli import main as run

        run()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA:
            raise
        needs = "conformance needs the packages of equipoise[conformance]"
        sys.stderr.write(f"{needs}: missing {package}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
