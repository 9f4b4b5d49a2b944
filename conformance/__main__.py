"""Makes ``python -m conformance`` work from a source tree."""

from conformance.cli import main

if __name__ == "__main__":
    main()
