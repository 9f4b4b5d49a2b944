"""The page in a real browser: headless Chromium, without any network."""

from dataclasses import replace
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from conformance.report.evidence import gather
from conformance.report.html.page import page
from tests.conformance.report.browser import (
    CHROMIUM,
    DARK,
    FRAME,
    LATER,
    browse,
    facts_in,
    facts_of,
    probed,
)
from tests.conformance.report.made import (
    CHECK,
    FAIL,
    HOSTILE,
    SKIPPED,
    comparison,
    mutant,
    outcome,
    proof,
    report,
    whole,
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium (Debian package chromium) is installed"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    hostile = HOSTILE.replace("\ud800", "")
    other = replace(
        FAIL, operation="cross_entropy", group="cross_entropy/x", failures=()
    )
    results = [
        *whole(),
        *whole("numpy", dtype="float64"),
        FAIL,
        CHECK,
        other,
        replace(SKIPPED, reason=hostile),
        replace(FAIL, impl=hostile, profile="dtypes", dtype="bfloat16"),
    ]
    report(folder, results, ("torch", "numpy", hostile))
    proof(folder, mutant("bent"))
    comparison(folder)
    outcome(folder / "outcome")
    return folder, page(gather(folder))


def test_all_rows_are_counted_and_nothing_hostile_ran(made):
    found, _ = facts_of(*made)
    assert [found["hits"], found["shown"], found["cases"]] == ALL
    assert found["title"] == "DOES NOT CONFORM: equipoise conformance"
    assert found["requests"] == 0


ALL = ["17 results in 14 rows", 14, 4]
FILTERS = {
    "#impl=numpy": ["6 results in 6 rows", 6, 0],
    "#op=cross_entropy": ["1 result in 1 row", 1, 1],
    "#status=fail": ["4 results in 4 rows", 4, 4],
    "#profile=semantics&status=fail": ["1 result in 1 row", 1, 1],
    "#q=WEIGHTS+of+1": ["1 result in 1 row", 1, 1],
    "#q=torch+grad_logits": ["3 results in 3 rows", 3, 4],
    "#q=onerror": ["2 results in 2 rows", 2, 1],
    "#q=no+such+thing": ["0 results in 0 rows", 0, 0],
    "#impl=nobody": ALL,
}


@pytest.mark.parametrize("fragment", ["#q=torch+grad_logits", "#case-1"])
def test_filter_in_the_address(made, fragment):
    found, _ = facts_of(*made, fragment)
    seen = [found["hits"], found["shown"], found["cases"]]
    assert seen == FILTERS.get(fragment, ALL)


def test_filters_hide_and_count(made):
    more = f"""
(async () => {{
  facts.seen = {{}};
  for (const hash of {list(FILTERS)}) {{
    location.hash = hash;
    await new Promise((done) => setTimeout(done, 60));
    look();
    facts.seen[hash] = [facts.hits, facts.shown, facts.cases];
  }}
  root.dataset.facts = JSON.stringify(facts);
}})();
"""
    found, _ = facts_of(*made, "", LATER, more=more)
    assert found["seen"] == FILTERS


def test_typing_filters_and_is_kept_in_the_address(made):
    more = """
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
facts.later = [];
const note = () => facts.later.push([document.getElementById("hits").textContent,
  location.hash, document.getElementById("hits").getAttribute("aria-live")]);
const type = async (id, value) => {
  document.getElementById(id).value = value;
  document.getElementById(id).dispatchEvent(new Event("input", { bubbles: true }));
  await wait(150);
  note();
};
(async () => {
  await type("q", "grad_logits");
  await type("impl", "torch");
  document.querySelector("#filter button").click();
  await wait(50);
  note();
  root.dataset.facts = JSON.stringify(facts);
})();
"""
    found, _ = facts_of(*made, "", LATER, more=more)
    assert found["later"] == [
        ["4 results in 4 rows", "#q=grad_logits", "polite"],
        ["3 results in 3 rows", "#q=grad_logits&impl=torch", "polite"],
        ["17 results in 14 rows", "", "polite"],
    ]


def test_row_opens_to_its_results(made):
    more = """
const button = [...document.querySelectorAll("#rows button")]
  .find((one) => !one.closest("tr").hidden);
button.click();
facts.expanded = button.getAttribute("aria-expanded");
facts.inner = document.querySelector("td.inner").textContent;
button.click();
facts.closed = document.querySelector("td.inner") === null;
"""
    found, _ = facts_of(*made, "#status=skipped", more=more)
    assert found["expanded"] == "true"
    assert "compile, reduction none" in found["inner"]
    assert "<img src=x onerror" in found["inner"]
    assert found["closed"] is True


def test_link_opens_the_case_it_leads_to(made):
    more = 'facts.opened = document.getElementById("case-2").open;'
    found, _ = facts_of(*made, "#case-2", more=more)
    assert found["opened"] is True


class Listener(BaseHTTPRequestHandler):
    """Counts what is asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_error(404)


def test_foreign_script_and_the_network_are_refused(made):
    folder, html = made
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, daemon=True).start()
    foreign = (
        f"<img src='http://127.0.0.1:{server.server_port}/image'>"
        f"<link rel='stylesheet' href='http://127.0.0.1:{server.server_port}/style'>"
        "<script>document.title = 'taken'</script>"
    )
    shut, open_ = folder / "shut.html", folder / "open.html"
    html = html.replace("</body>", f"{foreign}</body>")
    shut.write_text(html, encoding="utf-8")
    # Without the policy it does happen.
    open_.write_text(html.replace("Content-Security-Policy", "x-none"), "utf-8")
    try:
        dom = browse(folder, "--dump-dom", shut.as_uri())
        assert "<title>DOES NOT CONFORM" in dom
        assert Listener.asked == []
        assert "<title>taken" in browse(folder, "--dump-dom", open_.as_uri())
        assert sorted(Listener.asked) == ["/image", "/style"]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("width", [1280, 768, 360])
def test_page_is_never_wider_than_the_window(made, width):
    # Opened cases and tables are the widest there is. A window is never narrower than
    # 500 pixels, but a frame may be.
    folder, html = made
    inner = folder / "framed.html"
    inner.write_text(probed(html.replace("<details", "<details open")), "utf-8")
    outer = folder / "frame.html"
    outer.write_text(FRAME % (escape(inner.as_uri()), width), encoding="utf-8")
    dom = browse(folder, "--window-size=1400,900", LATER, "--dump-dom", outer.as_uri())
    found = facts_in(dom)
    assert found["width"] == width
    assert (found["over"], found["wide"]) == (0, [])


def test_light_dark_and_the_button(made):
    more = """
facts.backs = ["light", "dark", "auto"].map(() => {
  document.getElementById("theme").click();
  return getComputedStyle(document.body).backgroundColor;
});
"""
    light, _ = facts_of(*made, more=more)
    dark, _ = facts_of(*made, "", DARK, more=more)
    assert light["back"] != dark["back"]
    assert light["backs"] == [light["back"], dark["back"], light["back"]]
    assert dark["backs"] == [light["back"], dark["back"], dark["back"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(made, scheme):
    more = """
const luminance = (c) => c.slice(0, 3).map((v) => v / 255)
  .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const colour = (text) => text.match(/[\\d.]+/g).map(Number);
const behind = (at) => {
  for (; at; at = at.parentElement) {
    const found = colour(getComputedStyle(at).backgroundColor);
    if (found.length < 4 || found[3] === 1) return found;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let worst = [99, ""];
facts.texts = 0;
while (walker.nextNode()) {
  const at = walker.currentNode.parentElement;
  const empty = !walker.currentNode.textContent.trim();
  if (empty || at.closest("script, .hidden-text")) continue;
  const style = getComputedStyle(at);
  const ink = colour(at.closest("svg") ? style.fill : style.color);
  const [a, b] = [luminance(ink), luminance(behind(at))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  facts.texts += 1;
  if (ratio < worst[0]) worst = [ratio, at.outerHTML.slice(0, 200)];
}
facts.worst = worst;
"""
    options = (DARK,) if scheme == "dark" else ()
    html = made[1].replace("<details", "<details open")
    found, _ = facts_of(made[0], html, "", *options, more=more)
    assert found["texts"] > 300
    assert found["worst"][0] >= 4.5, found["worst"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_looked_at(made, width, scheme, tmp_path):
    folder, html = made
    path, image = folder / "index.html", tmp_path / "shot.png"
    path.write_text(html, encoding="utf-8")
    options = (DARK,) if scheme == "dark" else ()
    size = f"--window-size={width},1200"
    browse(folder, *options, size, f"--screenshot={image}", path.as_uri())
    from matplotlib.image import imread

    pixels = imread(image)[..., :3]
    assert pixels.shape[:2] == (1200, width)
    light = pixels[600:].mean() > 0.5
    assert light == (scheme == "light")
    # Something is drawn: not one colour.
    assert pixels.std() > 0.02
