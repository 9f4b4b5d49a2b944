"""Pages, records, flags and notes say the same."""

import copy
import inspect
import re
import shutil

import pytest

import refimpl
from conformance import budgets, levels, vectors
from conformance.profiles import PROFILES, determinism
from conformance.profiles.severity import LEVELS
from conformance.registry import GENERAL, OPERATIONS, citations
from conformance.training.recipes import RECIPES

PAGES = {page.name: page for page in citations.SPECIFICATION.glob("*.md")}
TEXTS = citations.stated()


def page(name):
    return PAGES[name].read_text(encoding="utf-8")


def flat(text):
    return " ".join(text.split())


def number(text):
    base, _, exponent = text.strip("`").partition("^")
    return float(base) ** int(exponent) if exponent else float(base)


def tables(name, *, columns):
    rows = re.findall(r"^\| (.*) \|$", page(name), re.MULTILINE)
    cells = [row.split(" | ") for row in rows]
    return [row for row in cells if len(row) == columns]


def used_flags(operation):
    file = vectors.load(operation)
    of_points = {f for g in file.groups for flags in g.flags for f in flags}
    return of_points | {f for s in file.sums for f in s.flags}


def test_clauses_are_those_of_the_records_in_the_same_order():
    assert list(TEXTS) == list(citations.clauses())


def test_clauses_are_numbered_from_one():
    for prefix in {name.split("-")[0] for name in TEXTS}:
        own = [
            int(name.split("-")[1]) for name in TEXTS if name.startswith(f"{prefix}-")
        ]
        assert own == list(range(1, len(own) + 1))


def test_clauses_and_flags_cite_each_other():
    assert citations.problems(vectors.notes()) == []


@pytest.mark.parametrize("clause", TEXTS)
def test_every_clause_is_reached_through_each_of_its_flags(clause):
    flags = citations.cited(TEXTS[clause])
    assert bool(flags) != (clause in citations.WITHOUT_VECTORS)
    used = set().union(*map(used_flags, citations.owners(clause)))
    assert set(flags) <= used


def test_what_has_no_vector_has_a_profile():
    known = {*PROFILES, *(name for names in levels.NEEDS.values() for name in names)}
    assert set(citations.WITHOUT_VECTORS.values()) <= known
    assert set(citations.WITHOUT_VECTORS) <= set(GENERAL)


DAMAGES = [
    ("losses.md", "- **BCE-1** ", "- *BCE-1* ", ["BCE-1 is in no page."]),
    ("losses.md", "- **MINE-3** ", "- **MINE-4** ", ["MINE-4 is in no record."]),
    ("losses.md", "*Vectors:* `mining-nan`.", "", ["MINE-3 cites no flag."]),
    (
        "losses.md",
        "`mining-nan`.",
        "`kink`.",
        [
            "MINE-3 cites kink, which none of its operations has.",
            "MINE-3 cites kink, whose note does not cite it.",
            "the note mining-nan cites MINE-3, which does not cite it.",
        ],
    ),
    ("general.md", "`training`.", "`accuracy`.", ["GEN-19 is not excused"]),
    ("general.md", "*Vectors:* `empty-mean`.", "", ["GEN-4 cites no flag."]),
]


@pytest.mark.parametrize(("name", "old", "new", "wanted"), DAMAGES)
def test_a_damaged_page_is_noticed(tmp_path, name, old, new, wanted):
    folder = shutil.copytree(citations.SPECIFICATION, tmp_path / "spec")
    text = page(name)
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    found = citations.problems(vectors.notes(), folder)
    for sentence in wanted:
        assert any(one.startswith(sentence) for one in found), found


def test_a_clause_that_stands_twice_is_noticed(tmp_path):
    folder = shutil.copytree(citations.SPECIFICATION, tmp_path / "spec")
    (folder / "losses.md").write_text(page("losses.md").replace("MINE-3", "MINE-2"))
    with pytest.raises(ValueError, match="MINE-2 stands twice"):
        citations.problems(vectors.notes(), folder)


def test_a_damaged_note_is_noticed():
    notes = copy.deepcopy(vectors.notes())
    notes["kink"]["clauses"].remove("BCE-2")
    notes["mining-nan"]["clauses"] = []
    assert citations.problems(notes) == [
        "mining-nan cites no clause.",
        "BCE-2 cites kink, whose note does not cite it.",
        "MINE-3 cites mining-nan, whose note does not cite it.",
    ]


def test_the_check_of_the_vectors_reads_the_notes():
    data = (vectors.FOLDER / "notes.json").read_bytes()
    assert vectors._uncited(data) == []
    assert vectors._uncited(data.replace(b'"MINE-3"', b'"MINE-2"'))


def test_notes_are_complete():
    for flag, note in vectors.notes().items():
        assert set(note) == {"bug", "clauses", "effect", "link"}, flag
        assert note["bug"]
        assert note["effect"]
        assert note["link"] == "" or note["link"].startswith("https://")


def test_the_index_is_that_of_the_records():
    rows = dict(tables("README.md", columns=2))
    pages = dict.fromkeys(GENERAL, "general.md")
    wanted = {
        f"[{name}]({pages.get(name, 'losses.md')})": gist
        for name, gist in citations.clauses().items()
    }
    assert {k: v for k, v in rows.items() if k.startswith("[")} == wanted


def test_signatures_are_those_of_the_functions():
    blocks = re.findall(r"```\n(.*?)```", page("losses.md"), re.DOTALL)
    own = []
    for name in OPERATIONS:
        arguments = inspect.signature(getattr(refimpl, name)).parameters.values()
        plain = [one.replace(annotation=one.empty) for one in arguments]
        own.append(f"{name}{inspect.Signature(plain)}".replace("'", '"'))
    assert set("".join(blocks).splitlines()) == set(own)


def test_constants_are_those_of_the_budgets():
    rows = tables("error_model.md", columns=3)
    stated = {k.strip("`"): number(v) for k, v, _ in rows if k.startswith("`")}
    own = {
        k: v
        for k, v in vars(budgets).items()
        if k.isupper() and isinstance(v, int | float)
    }
    assert stated == pytest.approx(own, rel=1e-12)


def test_dtypes_are_those_of_the_budgets():
    rows = {
        row[0]: row[1:]
        for row in tables("error_model.md", columns=3)
        if row[0] in budgets.UNIT_ROUNDOFF
    }
    assert {k: number(u) for k, (u, _) in rows.items()} == budgets.UNIT_ROUNDOFF
    assert {k: number(t) for k, (_, t) in rows.items()} == budgets.TINY


def test_levels_are_those_of_the_code():
    rows = {
        level: set(re.findall(r"`(\w+)`", profiles))
        for level, profiles in tables("error_model.md", columns=2)
        if level in LEVELS
    }
    assert rows == levels.NEEDS


def test_numbers_in_the_text_are_those_of_the_code():
    text = flat(page("error_model.md"))
    recipe = RECIPES["pos_weight"]
    lockstep = recipe.lockstep
    assert (lockstep.horizon, lockstep.minimum_steps) == (1e-6, 30)
    for words in (
        f"**C = {budgets.C_MAX:g}**",
        f"**C = {budgets.C_REFERENCE:g}** in float64",
        f"({budgets.SUM_BASE:g} + log₂ n)/C",
        f"amplification of {budgets.IDENTITY_AMPLIFICATION:g}",
        f"where |x| ≤ {budgets.MODERATE:g} (",
        f"{lockstep.factor:g} · max(S(t), {lockstep.floor:g} u)",
        "S itself passes 10⁻⁶",
        f"below {lockstep.minimum_steps} updates",
        f"{determinism.RUNS} runs of the same call",
        "step of 2⁻¹⁷",
        "both at most 2⁻¹⁰ in size",
        "more than 10⁻³ · scale",
        f"cap of {budgets.C_MAX:g}",
    ):
        assert words in text, words


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_lead_somewhere(name):
    def anchors(text):
        heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        plain = (re.sub(r"[^\w -]", "", head.lower()) for head in heads)
        return {head.replace(" ", "-") for head in plain}

    for target in re.findall(r"\]\(([^)]+)\)", page(name)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        assert (citations.SPECIFICATION / (file or name)).is_file(), target
        assert not anchor or anchor in anchors(page(file or name)), target


def test_the_manual_links_to_the_departures():
    assert "## Departures from PyTorch" in page("losses.md")
