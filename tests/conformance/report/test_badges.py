import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from conformance.report.badges import badges, text_width, write_badges
from conformance.report.evidence import gather
from tests.conformance.report.made import (
    BCE,
    CUT,
    FAIL,
    HOSTILE,
    MISSING,
    PASS,
    report,
    whole,
)

SVG = "{http://www.w3.org/2000/svg}"


def drawn(folder):
    """Titles by file, each badge held to be whole and to say the same twice."""
    titles = {}
    for name, text in badges(gather(folder)).items():
        root = ET.fromstring(text.encode())
        title = root.findtext(f"{SVG}title") or ""
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"] == title
        shown = [node.text or "" for node in root.iter(f"{SVG}text")]
        assert ": ".join(shown) == title
        lengths = [float(n.attrib["textLength"]) for n in root.iter(f"{SVG}text")]
        assert float(root.attrib["width"]) == sum(lengths) + 24
        titles[name] = title
    return titles


def test_badge_says_level_and_dtypes(tmp_path):
    results = [*whole(), *whole(dtype="float64")]
    found = drawn(report(tmp_path, results))
    assert found["torch.svg"] == "equipoise 1.0: L2 float64 float32"
    assert found[f"torch/{BCE}.svg"] == f"{BCE}: L2 float64 float32"
    assert found["torch/L1.svg"] == "equipoise 1.0 L1 safe: held"
    assert found["torch/L3.svg"] == "equipoise 1.0 L3 trains: no data"


def test_badge_says_how_much_there_is(tmp_path):
    found = drawn(report(tmp_path, [*whole(), MISSING]))
    assert found["torch.svg"] == "equipoise 1.0: L2 1 of 2 operations float32"
    assert found["torch/cross_entropy.svg"] == "cross_entropy: not implemented"


@pytest.mark.parametrize(
    ("lost", "message"), [("L2", "L1"), ("L1", "L0"), ("L0", "no level")]
)
def test_badge_of_a_deviation(lost, message, tmp_path):
    found = drawn(report(tmp_path, [*whole(), replace(FAIL, lost=lost)]))
    assert found["torch.svg"] == f"equipoise 1.0: {message} float32"
    assert found[f"torch/{lost}.svg"].endswith(": lost")


@pytest.mark.parametrize(
    ("results", "options"),
    [
        ([PASS], {"profile": ["accuracy"]}),
        (whole(), {"quick": True}),
        (whole(), {"select": "*"}),
        (whole(), {"ended": CUT}),
        ([], {}),
        ([MISSING], {}),
    ],
)
def test_what_is_not_known_is_not_on_the_badge(results, options, tmp_path):
    found = drawn(report(tmp_path, results, **options))
    assert found["torch.svg"] == "equipoise 1.0: no data"
    assert not any("held" in title for title in found.values())


def test_without_a_report_there_is_no_data(tmp_path):
    assert drawn(tmp_path) == {"equipoise.svg": "equipoise: no data"}


def test_names_that_make_one_file_make_two(tmp_path):
    impls = ("py:a:b", "py-a-b", "../../etc")
    results = [result for impl in impls for result in whole(impl)]
    found = drawn(report(tmp_path, results, impls))
    assert {"py-a-b.svg", "py-a-b-2.svg", "etc.svg"} <= set(found)
    assert len([name for name in found if "/" not in name]) == 3
    assert not any(".." in name for name in found)


def test_hostile_names_are_text(tmp_path):
    hostile = HOSTILE.replace("\ud800", "")
    found = drawn(report(tmp_path, whole(operation=hostile)))
    assert any("</script><img" in title for title in found.values())


def test_old_badges_go_and_other_files_stay(tmp_path):
    evidence = gather(report(tmp_path, whole("jax"), ("jax",)))
    folder = tmp_path / "badges"
    write_badges(evidence, folder)
    (folder / "logo.svg").write_text("<svg/>")
    paths = write_badges(gather(report(tmp_path, whole())), folder)
    assert folder / "torch.svg" in paths
    assert not list(folder.glob("**/jax*"))
    assert (folder / "logo.svg").exists()


def test_widths_are_near_those_of_the_font():
    # Measured with Verdana, 11 pixels.
    for text, width in (("equipoise 1.0", 80), ("L2 float64 float32", 106)):
        assert abs(text_width(text) - width) <= 0.12 * width
