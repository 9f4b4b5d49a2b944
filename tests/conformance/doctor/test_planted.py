import pytest

from conformance.doctor.checks import CHECKS
from tests.conformance.doctor.all_planted import PLANTED
from tests.conformance.doctor.made import names


@pytest.mark.parametrize("key", PLANTED)
def test_each_ailment_is_found_alone(key):
    name, beside, make = PLANTED[key]
    assert sorted(names(make())) == sorted([name, *beside])


def test_every_check_has_an_ailment_of_its_own():
    assert {check.name for check in CHECKS} == {name for name, _, _ in PLANTED.values()}
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_a_check_names_others_that_exist():
    known = [check.name for check in CHECKS]
    for place, check in enumerate(CHECKS):
        assert set(check.after) <= set(known[:place]), check.name
