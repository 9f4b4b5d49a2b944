import pytest

from conformance.training import tiny


@pytest.fixture(scope="session")
def problem():
    return tiny.problem()


@pytest.fixture(scope="session")
def plan():
    return tiny.PLAN


@pytest.fixture(scope="session")
def recipe():
    return tiny.RECIPE


@pytest.fixture(scope="session")
def strategies():
    return tiny.STRATEGIES
