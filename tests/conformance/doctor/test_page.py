import base64
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from conformance.doctor.examine import examine
from conformance.doctor.page import page
from conformance.doctor.plots import figures
from conformance.scores import assemble
from tests.conformance.doctor.all_planted import PLANTED
from tests.conformance.doctor.made import binary, multiclass, multilabel

HOSTILE = "<script>alert(1)</script>"


def put(arrays, **told):
    more = {name: np.asarray(value) for name, value in told.items()}
    return assemble({**arrays, **more})


class Document(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.text += " "

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [found for name, found in self.elements if name == tag]


@pytest.fixture(scope="module")
def ill():
    told = {"pos_weight": [0.0204, 8.64, 2.42], "class_names": ["cat", HOSTILE, "cow"]}
    told |= {"losses": [16.118095651] * 4, "thresholds": 0.5}
    return page(examine(put(multilabel(), **told)), f"{HOSTILE}.npz")


def test_nothing_is_loaded_from_elsewhere(ill):
    document = Document(ill)
    for _, found in document.elements:
        for name in ("src", "href"):
            assert found.get(name, "#").startswith(("#", "data:"))
    assert "url(" not in ill
    assert not document.all("script")


def test_the_policy_lets_its_own_style_be_used(ill):
    (style,) = re.findall(r"<style>(.*?)</style>", ill, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(
        found["content"] for found in Document(ill).all("meta") if "http-equiv" in found
    )
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    # A style attribute would be refused by it.
    assert not [found for _, found in Document(ill).elements if "style" in found]


def test_strangers_are_shown_as_text(ill):
    assert HOSTILE not in ill
    assert Document(ill).text.count(HOSTILE) >= 3


def test_findings_with_their_evidence(ill):
    document = Document(ill)
    articles = [found["id"] for found in document.all("article")]
    assert articles == ["inverted-pos-weight", "magic-loss"]
    assert "pos_weight is 0.0204, and 3913 negatives to 87 positives" in document.text
    assert "-log(1e-7)" in document.text
    ids = [found["id"] for _, found in document.elements if "id" in found]
    assert len(ids) == len(set(ids))


def test_what_is_told_is_shown_with_its_meaning(ill):
    text = " ".join(Document(ill).text.split())
    assert "pos_weight 0.0204, 8.64, 2.42 weight of positives in training" in text
    long = page(examine(put(binary(), losses=np.arange(1.0, 9.0))), "s.npz")
    assert "1, 2, 3, 4, 5, 6, … 8 in all" in Document(long).text
    word = page(examine(put(binary(), dtype="float16")), "s.npz")
    assert "dtype float16" in " ".join(Document(word).text.split())


def test_figures_are_inside_and_have_words(ill):
    images = Document(ill).all("img")
    assert len(images) == 6
    for image in images:
        kind, data = image["src"].split(",")
        assert kind == "data:image/svg+xml;base64"
        assert b"<svg" in base64.b64decode(data)
        assert image["alt"]


def test_a_healthy_page_says_so():
    text = Document(page(examine(put(binary(rate=0.2))), "s.npz")).text
    assert "HEALTHY" in text
    assert "None of 44 checks finds anything." in text


HARD_TO_DRAW = [
    "labels-with-gaps",
    "label-without-positives",
    "logits-diverged",
    "log-softmax-as-probabilities",
    "decisions-saved",
    "dead-head",
    "negative-weight",
    "infinite-class-weight",
    "losses-diverged",
]


@pytest.mark.parametrize("key", HARD_TO_DRAW)
def test_what_is_hard_to_draw_has_a_page(key):
    name, _, make = PLANTED[key]
    html = page(examine(put(make())), "s.npz")
    assert f'id="{name}"' in html


def test_what_is_drawn():
    assert set(figures(put(binary()))) == {
        "reliability",
        "curves",
        "histograms",
        "thresholds",
    }
    classes = figures(put(multiclass(), class_weights=[0.5, 1, 2]))
    assert set(classes) == {"reliability", "curves", "histograms", "weights"}
    assert "curves" in figures(put(binary(), class_names=["negative"]))
    broken = binary()
    broken["logits"][0] = np.nan
    assert figures(put(broken)) == {}


def heights(figure):
    """Of the bars of a figure with one panel."""
    (axis,) = figure.axes
    corners = [bar.get_patch_transform() for bar in axis.patches]
    return np.array([corner.transform((0, 1))[1] for corner in corners])


def test_weights_are_drawn_beside_those_expected():
    drawn = figures(put(binary(), class_counts=[90, 10], pos_weight=3.0))["weights"]
    assert heights(drawn).tolist() == [9.0, 3.0]
    counts = {"class_counts": [70, 20, 10], "class_weights": [1.0, 2.0, 4.0]}
    drawn = heights(figures(put(multiclass(), **counts))["weights"])
    inverse = 1 / np.array([70, 20, 10])
    np.testing.assert_allclose(drawn[:3], 7 * inverse / inverse.sum())
    assert drawn[3:].tolist() == [1.0, 2.0, 4.0]


def test_a_clamp_is_marked_on_the_losses():
    losses = [2.0, 100.0, 1.0, 100.0, 100.0, np.nan]
    (axis,) = figures(put(binary(), losses=losses))["losses"].axes
    labels = [line.get_label() for line in axis.lines]
    assert "100 = 100, 3 times" in labels
    assert "first that is not finite" in labels
    line = axis.lines[labels.index("first that is not finite")]
    assert np.ravel(line.get_xdata())[0] == 6


def test_the_best_threshold_is_marked():
    arrays = {"probabilities": [0.1, 0.4, 0.35, 0.8], "labels": [0, 0, 1, 1]}
    (axis,) = figures(put({k: np.array(v) for k, v in arrays.items()}))[
        "thresholds"
    ].axes
    mark = next(line for line in axis.lines if line.get_marker() == "o")
    assert np.array_equal(mark.get_xydata(), [[0.35, 0.8]])


def test_large_files_have_pictures_instead_of_drawings():
    html = page(examine(put(binary(n=30_000, rate=0.2))), "s.npz")
    kinds = {image["src"].split(";")[0] for image in Document(html).all("img")}
    assert kinds == {"data:image/png"}
