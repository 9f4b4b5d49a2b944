"""What is read from the installed packages, and what of it is not known."""

from inspect import Parameter, Signature

import numpy as np
import optax
import pytest

from conformance.training import defaults

# Pairs that a table of differences leaves out.
SAME = [
    ("torch.optim:AdamW", "eps", "optax:adamw", "eps", 1e-8),
    ("torch.optim:Adam", "eps", "optax:adam", "eps", 1e-8),
    ("torch.optim:Adam", "weight_decay", "optax:adam", "eps_root", 0.0),
    ("torch.optim:RMSprop", "eps", "optax:rmsprop", "eps", 1e-8),
    ("torch.optim:RMSprop", "centered", "optax:rmsprop", "centered", False),
    ("torch.optim:RMSprop", "weight_decay", "optax:rmsprop", "initial_scale", 0.0),
    ("torch.optim:SGD", "nesterov", "optax:sgd", "nesterov", False),
    ("torch.nn:BatchNorm1d", "eps", "flax.nnx:BatchNorm", "epsilon", 1e-5),
    ("torch.nn:Dropout", "p", "torch.nn.functional:dropout", "p", 0.5),
]


@pytest.mark.parametrize(("path", "option", "other", "named", "value"), SAME)
def test_what_is_left_out_is_the_same(path, option, other, named, value):
    assert defaults.default(path, option) == value
    assert defaults.default(other, named) == value


def test_betas_are_the_same():
    for path, others in (
        ("torch.optim:AdamW", "optax:adamw"),
        ("torch.optim:Adam", "optax:adam"),
    ):
        betas = tuple(defaults.default(others, name) for name in ("b1", "b2"))
        assert defaults.default(path, "betas") == betas == (0.9, 0.999)


@pytest.mark.parametrize(
    ("path", "option"),
    [
        ("optax:adamw", "decay"),
        ("optax:adamx", "eps"),
        ("optax:adamw", "learning_rate"),
        ("optax:__version__", "eps"),
    ],
)
def test_an_option_that_is_gone_is_named(path, option):
    with pytest.raises(LookupError, match=f"{path} has no default of {option}"):
        defaults.default(path, option)


def of(**options):
    """Returns a function whose options have these defaults."""

    def member():
        raise AssertionError("only its signature is read")

    kind = Parameter.KEYWORD_ONLY
    member.__signature__ = Signature(  # pyright: ignore[reportFunctionMemberAccess]  # read by inspect
        [Parameter(name, kind, default=value) for name, value in options.items()]
    )
    return member


@pytest.mark.parametrize(
    ("row", "member", "changed"),
    [
        ("AdamW: weight decay", "adamw", of(decay=1e-4)),
        ("AdamW: weight decay", "adamw", of(weight_decay=Parameter.empty)),
        ("AdamW: weight decay", "adamw", of(weight_decay=None)),
        ("RMSprop: eps and the root", "rmsprop", of(eps_in_sqrt="twice")),
    ],
)
def test_what_a_version_to_come_changes_is_not_known(row, member, changed, monkeypatch):
    monkeypatch.setattr(optax, member, changed)
    constants = {f"{own.subject}: {own.constant}": own for own in defaults.CONSTANTS}
    found = constants[row].row()
    assert found.jax == defaults.UNKNOWN
    assert found.torch != defaults.UNKNOWN
    assert np.isnan(found.distance)
    text = defaults.markdown([found])
    assert text.count("| not known |") == 2
    assert "nan" not in text
