from conformance import ratchet
from conformance.profiles import PROFILES, Result
from conformance.ratchet import Key
from conformance.report.stream import Stream

HERE = ratchet.here("cpu")
KEY = Key("torch", "cross_entropy", "float32", "gradient")


def result(worst, *, impl="torch", output="grad_logits", status="pass", **changes):
    fields = {
        "profile": "gradients",
        "operation": "cross_entropy",
        "group": "cross_entropy/basic/default",
        "dtype": "float32",
        "transform": "eager",
        "reduction": "none",
        "compared": 10,
        **changes,
    }
    return Result(impl=impl, output=output, status=status, worst=worst, **fields)


def holding(**values):
    worst = {
        impl: {"cross_entropy": {"float32": {"gradient": value}}}
        for impl, value in values.items()
    }
    own = {"measured": {}, "worst": worst, "raised": []}
    return {"platforms": {HERE: {"full": own}}}


def holding_quick(value):
    own = holding(torch=value)["platforms"][HERE]["full"]
    return {"platforms": {HERE: {"quick": own}}}


def judge(kept, results, *, name=HERE, quick=False, complete=True, known=False):
    return ratchet.check(
        kept, name, results, quick=quick, complete=complete, known=known
    )


def check(kept, *worsts, quick=False, complete=True, **changes):
    results = [result(worst, **changes) for worst in worsts]
    return judge(kept, results, quick=quick, complete=complete)


def report(path, *results, quick=False, select="", profiles=PROFILES, cut=False):
    head = {
        "spec": "1.0.0",
        "digest": "d",
        "versions": {"numpy": "2", "platform": "somewhere"},
        "device": {"name": "cpu", "machine": HERE.removeprefix("cpu-"), "cpu": "x"},
        "options": {
            "impl": list(dict.fromkeys(r.impl for r in results)),
            "profile": list(profiles),
            "select": select,
            "quick": quick,
            "device": "cpu",
        },
    }
    with Stream(path, head, results) as stream:
        stream.conclude({}, interrupted=cut)
    return path
