"""Claims D1 to D3 and D8: what probabilities and few digits lose."""

import importlib.util
from typing import Any

import numpy as np

from conformance.training import claims
from conformance.training.ledger import stability
from conformance.training.ledger.claim import (
    Claim,
    Evidence,
    Note,
    Verdict,
    fails,
    holds,
    holds_when,
)
from conformance.training.ledger.runs import Runs
from conformance.training.ledger.wording import number
from refimpl import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_grad,
)

RAW = np.array([-3.0, 0.5, 4.0], np.float32)
ON = np.ones(3, np.float32)


def _raw_logits() -> Evidence:
    with np.errstate(invalid="ignore"):  # the finding
        formula = -(ON * np.log(RAW) + (1 - ON) * np.log(1 - RAW))
    found: Evidence = {
        "logits": len(RAW),
        "formula without a check: NaN": int(np.isnan(formula).sum()),
    }
    if importlib.util.find_spec("torch"):
        import torch

        bce = torch.nn.functional.binary_cross_entropy
        to = torch.from_numpy
        found["torch"] = _said(lambda: float(bce(to(RAW), to(ON))))
    if importlib.util.find_spec("optax"):
        import optax

        both = {"sigmoid_binary_cross_entropy", "binary_cross_entropy"}
        offered = sorted(both & set(dir(optax.losses)))
        found["optax offers"] = ", ".join(offered)
    if importlib.util.find_spec("jax"):
        import jax.numpy as jnp

        from jax_impl import binary_cross_entropy

        found["our JAX form"] = _said(
            lambda: float(binary_cross_entropy(jnp.asarray(RAW), jnp.asarray(ON)))
        )
    return found


def _said(compute: Any) -> str:
    """The number that comes back, or what is raised instead."""
    try:
        return number(compute())
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        return f"raises {type(error).__name__}: {reason}"


def _judge_raw_logits(found: Evidence) -> Verdict:
    libraries = {
        name: found[name] for name in ("torch", "our JAX form") if name in found
    }
    told = (
        f"The bare formula makes NaN of {found['formula without a check: NaN']} of "
        f"{found['logits']} raw logits; "
        f"{'; '.join(f'{name}: {own}' for name, own in libraries.items())}."
    )
    if "optax offers" in found:
        told += f" Optax offers {found['optax offers'] or 'neither form'}."
    if not found["formula without a check: NaN"]:
        return fails(told)
    raising = [own for own in libraries.values() if own.startswith("raises")]
    return holds_when("nothing checks the range of p", told) if raising else holds(told)


def _log_of_one() -> Evidence:
    with np.errstate(divide="ignore"):  # the finding
        found: Evidence = {
            "log p at p = 1": float(np.log(1.0)),
            "log(1 - p) at p = 1": float(np.log(1.0 - 1.0)),
        }
    if importlib.util.find_spec("torch"):
        import torch

        for label in (1.0, 0.0):
            loss = torch.nn.functional.binary_cross_entropy(
                torch.ones(1), torch.full((1,), label)
            )
            found[f"torch's loss at p = 1, label {label:g}"] = float(loss)
    return found


def _judge_log_of_one(found: Evidence) -> Verdict:
    own, other = found["log p at p = 1"], found["log(1 - p) at p = 1"]
    losses = "; ".join(
        f"{name} is {number(value)}" for name, value in found.items() if "torch" in name
    )
    told = (
        f"At p = 1, log p is {number(own)} and log(1 - p) is {number(other)}"
        f"{'; ' if losses else ''}{losses}."
    )
    return holds(told) if np.isneginf(own) else fails(told)


EPS = 1e-7


def _shifted() -> Evidence:
    """A positive at logit -40: the loss is 40, and p is there only in name."""
    x, one = np.array([-40.0]), np.ones(1)
    p = 1 / (1 + np.exp(-x))
    half = np.float16
    wrong = claims.bce_of_shifted_probabilities(np.ones(1, half), np.zeros(1, half))
    return {
        "true loss": float(binary_cross_entropy_with_logits(x, one)),
        "shifted loss": float(claims.bce_of_shifted_probabilities(p, one)[0]),
        "true gradient": float(binary_cross_entropy_with_logits_grad(x, one)[0]),
        "shifted gradient": float((-p * (1 - p) / (p + EPS))[0]),
        "1 - p + eps at p = 1, float16": float(half(1) - half(1) + half(EPS)),
        "1 - p + eps at p = 0, float16": float(half(1) - half(0) + half(EPS)),
        "shifted loss at p = 1, label 0, float16": float(wrong[0]),
    }


def _judge_shifted(found: Evidence) -> Verdict:
    told = (
        f"At logit -40 a positive costs {number(found['shifted loss'], 5)} instead of "
        f"{number(found['true loss'])}, with a gradient of "
        f"{number(found['shifted gradient'], 2)} instead of "
        f"{number(found['true gradient'])}. In float16, 1 - p + 1e-7 at p = 0 is "
        f"{number(found['1 - p + eps at p = 0, float16'], 8)}."
    )
    value = abs(found["shifted loss"] - found["true loss"]) <= 0.01 * found["true loss"]
    slope = abs(found["shifted gradient"]) >= 0.99 * abs(found["true gradient"])
    return holds(told) if value and slope else fails(told)


SCALE, LOSS = 65536.0, 4.0


def _half_precision(runs: Runs) -> Evidence:
    half = np.float16
    with np.errstate(over="ignore"):  # the finding
        scaled = {weight: float(half(LOSS) * half(weight)) for weight in (5.0, 1e5)}
        by_scale = float(half(LOSS) * half(SCALE / 8))
        both = float(half(LOSS) * half(5.0) * half(SCALE / 8))
    return {
        "largest float16": float(np.finfo(half).max),
        "largest float32": float(np.finfo(np.float32).max),
        "loss 4 times weight 5": scaled[5.0],
        "loss 4 times weight 1e5": scaled[1e5],
        "loss 4 times scale 8192": by_scale,
        "loss 4 times scale 8192 times weight 5": both,
        "epsilon 1e-8": float(half(1e-8)),
        "1 + epsilon 1e-7": float(half(1) + half(1e-7)),
        **stability.trained(
            runs,
            {
                "logits in float16": ("logits", "half"),
                "the same, loss scaled": ("logits", "half-scaled"),
            },
        ),
    }


def _judge_half_precision(found: Evidence) -> Verdict:
    told = (
        f"float16 ends at {number(found['largest float16'], 5)}, float32 at "
        f"{number(found['largest float32'], 2)}: a loss of 4 times scale 8192 is "
        f"{number(found['loss 4 times scale 8192'], 5)} and with weight 5 "
        f"{number(found['loss 4 times scale 8192 times weight 5'])}; an epsilon of "
        f"1e-8 is {number(found['epsilon 1e-8'])}.{stability.told(found)}"
    )
    larger = found["largest float16"] >= found["largest float32"]
    return holds(told) if larger else fails(told)


CLAIMS = (
    Claim(
        "D1",
        "Raw logits passed to BCE overflow to NaN.",
        "The bare formula, and what torch, Optax and our JAX form make of raw logits.",
        _raw_logits,
        _judge_raw_logits,
        note=Note(
            "libraries raise on the CPU: a check of the range",
            lambda e: str(e.get("torch", "raises")).startswith("raises"),
        ),
    ),
    Claim(
        "D2",
        "A probability of 1 gives log p = -infinity.",
        "Both logarithms at p = 1, and torch's loss there.",
        _log_of_one,
        _judge_log_of_one,
        note=Note(
            "fails: log 1 = 0; -infinity is log(1 - p)",
            lambda e: (
                e["log p at p = 1"] == 0 and np.isneginf(e["log(1 - p) at p = 1"])
            ),
        ),
    ),
    Claim(
        "D3",
        "Adding 1e-7 inside the logarithm fixes it.",
        "Value and gradient far in the tail against the fused form, and float16.",
        _shifted,
        _judge_shifted,
        note=Note(
            "the value stops at 16.118, the gradient dies, float16 does not see it",
            lambda e: (
                abs(e["shifted loss"] - 16.118) < 5e-4
                and abs(e["shifted gradient"]) < 1e-6
                and e["1 - p + eps at p = 0, float16"] == 1
            ),
        ),
    ),
    Claim(
        "D8",
        "Mixed precision has a larger range: nothing needs to be done.",
        "The largest numbers, products of loss, scale and weight, small constants, and "
        "trainings with logits in float16.",
        _half_precision,
        _judge_half_precision,
        recipes=(stability.RECIPE,),
        note=Note(
            "float16 ends at 65504; loss times scale times weight overflows",
            lambda e: (
                e["largest float16"] == 65504
                and np.isinf(e["loss 4 times scale 8192 times weight 5"])
                and e["epsilon 1e-8"] == 0
            ),
        ),
    ),
)
