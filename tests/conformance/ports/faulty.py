"""A port that does one thing wrong; which one is its argument.

It has one operation, whose losses are all 0. Only the standard library is used, so that
it starts quickly under ``python -S``.
"""

import json
import os
import signal
import subprocess
import sys
import time

OPERATION = "binary_cross_entropy_with_logits"
LONG = "A" * 1_000_000
evaluations = 0


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def send(number, message, **rest):
    say(json.dumps({"id": number, "message": message, **rest}) + "\n")


def claim(number, **changes):
    claims = {"protocol": "1.0", "name": "faulty", "version": "0"}
    send(number, "capabilities", **{**claims, "operations": [OPERATION], **changes})


def numbers(message, **changes):
    (logits,) = (a for a in message["arguments"] if a["name"] == "logits")
    (reduction,) = (a for a in message["arguments"] if a["name"] == "reduction")
    outputs = []
    for name in message["want"]:
        shape = logits["shape"]
        if name == "normalizer" or (name == "value" and reduction["data"] != "none"):
            shape = []
        size = 1
        for length in shape:
            size *= length
        zeros = {
            "name": name,
            "dtype": "float64",
            "shape": shape,
            "data": "0" * 16 * size,
        }
        outputs.append({"name": name, **zeros, **changes})
    return outputs


def flood(stream, piece):
    while True:
        stream.write(piece)


def flood_stderr(message):
    for _ in range(1 << 10):
        sys.stderr.write("e" * (1 << 20))
    sys.stderr.write("\nthe last line\n")
    sys.stderr.flush()
    send(message["id"], "outputs", outputs=numbers(message))


def hang(_message):
    time.sleep(600)


def ignore_term(_message):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(600)


def grandchild(_message):
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    )
    sys.stderr.write(f"grandchild {child.pid}\n")
    sys.stderr.flush()
    time.sleep(600)


def crash(_message):
    sys.stderr.write("it is \x1b[31mbroken\x1b[0m\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSEGV)


def every_other(message):
    global evaluations
    evaluations += 1
    if evaluations == 2:
        sys.exit(3)
    send(message["id"], "outputs", outputs=numbers(message))


def wrong_id(message):
    send(message["id"] + 1, "outputs", outputs=numbers(message))


def twice(message):
    # In one piece: a second line that comes later is the next fault.
    answer = {"id": message["id"], "message": "outputs", "outputs": numbers(message)}
    say(f"{json.dumps(answer)}\n" * 2)


def late(message):
    send(message["id"], "outputs", outputs=numbers(message))
    time.sleep(0.05)
    say("and one thing more\n")


def close_pipe(_message):
    os.close(1)
    time.sleep(600)


def duplicate_key(message):
    say(f'{{"id":{message["id"]},"message":"outputs","outputs":[],"outputs":[]}}\n')


def long_key(message):
    key = f'"{LONG[:500_000]}":0'
    say(f'{{"id":{message["id"]},{key},{key}}}\n')


def many_keys(message):
    keys = "".join(f'"{i}":0,' for i in range(90_000))
    say(f'{{{keys}"id":{message["id"]},"id":{message["id"]}}}\n')


def many_names(message):
    (zeros,) = numbers({**message, "want": ["value"]})
    crowd = [{**zeros, "name": f"a{i}"} for i in range(10_000)]
    send(message["id"], "outputs", outputs=crowd)


def changed(**changes):
    return lambda message: send(
        message["id"], "outputs", outputs=numbers(message, **changes)
    )


def lacking(name, after=0):
    """Says that an output is missing, of calls after the first few."""

    def answer(message):
        global evaluations
        evaluations += 1
        absent = [name] if evaluations > after and name in message["want"] else []
        want = [one for one in message["want"] if one not in absent]
        outputs = numbers({**message, "want": want})
        send(message["id"], "outputs", outputs=outputs, missing=absent)

    return answer


MODES = {
    "good": changed(),
    "hang": hang,
    "ignore_term": ignore_term,
    "grandchild": grandchild,
    "crash": crash,
    "every_other": every_other,
    "garbage": lambda _: say("Segmentation fault? No: \xe9\n"),
    "prose": lambda _: say("loss = 0.0\n"),
    "list": lambda _: say("[1, 2]\n"),
    "nested": lambda _: say("[" * 200_000 + "\n"),
    "not_a_number": lambda m: say(f'{{"id":{m["id"]},"message":NaN}}\n'),
    "endless": lambda _: flood(sys.stdout, "x" * (1 << 16)),
    "lines": lambda _: flood(sys.stdout, "x\n" * (1 << 15)),
    "stderr": flood_stderr,
    "stderr_endless": lambda _: flood(sys.stderr, "e" * (1 << 16)),
    "wrong_id": wrong_id,
    "twice": twice,
    "late": late,
    "close_pipe": close_pipe,
    "duplicate_key": duplicate_key,
    "unknown_message": lambda m: send(m["id"], "result"),
    "no_outputs": lambda m: send(m["id"], "outputs"),
    "missing": lambda m: send(m["id"], "outputs", outputs=[]),
    "said_missing": lambda m: send(m["id"], "outputs", outputs=[], missing=m["want"]),
    "lacks_normalizer": lacking("normalizer"),
    "lacks_value": lacking("value"),
    "lacks_gradient": lacking("grad_labels"),
    "lacks_gradient_later": lacking("grad_labels", after=2),
    "same_output_twice": lambda m: send(m["id"], "outputs", outputs=numbers(m) * 2),
    "decimal": changed(data="0.6931471805599453"),
    "no_digits": changed(data="nan"),
    "not_hexadecimal": changed(data="xyz0000000000000", shape=[1]),
    "spaces": changed(data="3ff0 00000000000", shape=[1]),
    "wrong_shape": changed(shape=[], data="0" * 16),
    "negative_shape": changed(shape=[-1]),
    "unknown_dtype": changed(dtype="double"),
    "not_float32": changed(dtype="float32", data="3fb999999999999a", shape=[1]),
    "not_int": changed(dtype="int64", data="3fe0000000000000", shape=[1]),
    "refuses": lambda m: send(m["id"], "errored", kind="ValueError", reason='a "b"\n'),
    "skips": lambda m: send(m["id"], "skipped", reason="not today"),
    "many_axes": changed(shape=[1] * 100),
    "huge_axes": changed(shape=[2**40] * 2000),
    "more_axes_than_time": changed(shape=[2**40] * 60_000),
    "huge_beside_zero": changed(shape=[0, 2**47, 2**47, 2**47], data=""),
    "long_size": changed(shape=[10**4000]),
    "long_kind": lambda m: send(m["id"], "errored", kind=LONG, reason=""),
    "long_reason": lambda m: send(m["id"], "errored", kind="ValueError", reason=LONG),
    "long_message": lambda m: send(m["id"], LONG),
    "long_id": lambda _: send(LONG, "outputs"),
    "long_name": changed(name=LONG),
    "long_dtype": changed(dtype=LONG),
    "long_data": changed(data=LONG),
    "long_missing": lambda m: send(m["id"], "outputs", outputs=[], missing=[LONG]),
    "long_key": long_key,
    "many_keys": many_keys,
    "many_names": many_names,
}
STARTS = {
    "crash_at_start": lambda _: sys.exit(7),
    "hang_at_start": lambda _: time.sleep(600),
    "claims_nothing": lambda n: send(n, "capabilities", protocol="1.0"),
    "claims_other_protocol": lambda n: claim(n, protocol="2.0"),
    "claims_typo": lambda n: claim(n, operations=["binary_cross_entropy_with_logit"]),
    "claims_dtype": lambda n: claim(n, dtypes=["double"]),
    "claims_long_name": lambda n: claim(n, name=LONG),
    "claims_long_version": lambda n: claim(n, version=LONG),
    "claims_long_operation": lambda n: claim(n, operations=[LONG]),
    "claims_long_dtype": lambda n: claim(n, dtypes=[LONG]),
    "claims_long_protocol": lambda n: claim(n, protocol=LONG),
    "claims_twice": lambda n: claim(n, dtypes=["float64"] * 90_000),
    "answers_long": lambda n: send(n, LONG),
    "refuses_to_start": lambda n: send(n, "errored", kind="OSError", reason="no GPU"),
}


def main(mode, mark=""):
    # With a mark, only the first process is at fault.
    first = not mark or not os.path.exists(mark)
    if mark:
        open(mark, "a").close()
    for line in sys.stdin:
        message = json.loads(line)
        if message["message"] == "stop":
            return
        if message["message"] == "start":
            STARTS.get(mode, claim)(message["id"])
        else:
            MODES[mode if first else "good"](message)


if __name__ == "__main__":
    main(*sys.argv[1:])
