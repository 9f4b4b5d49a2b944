"""Headless Chromium, and a script that tells what it sees of a page."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html import unescape

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Waits for what takes its time, in the browser's own clock.
LATER = "--virtual-time-budget=3000"
DARK = "--blink-settings=preferredColorScheme=0"
# Run after the page's own script; what it finds lands in the document.
PROBE = """
const facts = { title: document.title };
const root = document.documentElement;
facts.over = root.scrollWidth - root.clientWidth;
facts.width = root.clientWidth;
facts.wide = [...document.querySelectorAll("main *")]
  .filter((one) => !one.parentElement.closest(".box, pre, svg")
    && one.getBoundingClientRect().right > root.clientWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120));
facts.requests = performance.getEntriesByType("resource").length;
facts.back = getComputedStyle(document.body).backgroundColor;
const open = (names) => [...document.querySelectorAll(names)]
  .filter((one) => !one.hidden).length;
const look = () => {
  facts.shown = open("#rows > tbody > tr");
  facts.cases = open("details.case");
  facts.hits = document.getElementById("hits").textContent;
};
look();
%s
root.dataset.facts = JSON.stringify(facts);
if (parent !== window) parent.postMessage(root.dataset.facts, "*");
"""
FRAME = """<iframe src="%s" width="%d" height="800" style="border: 0"></iframe>
<script>addEventListener("message", (event) => {
  document.documentElement.dataset.facts = event.data;
});</script>"""


def browse(folder, *options):
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def probed(html, more=""):
    """The page with a script of the test's own, which its policy lets run."""
    script = PROBE % more
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    html = html.replace("script-src ", f"script-src &#39;sha256-{digest}&#39; ", 1)
    return html.replace("</body>", f"<script>{script}</script></body>")


def facts_of(folder, html, fragment="", *options, more=""):
    path = folder / "probed.html"
    path.write_text(probed(html, more), encoding="utf-8")
    size = (
        () if any("window-size" in o for o in options) else ("--window-size=1280,900",)
    )
    dom = browse(folder, *size, *options, "--dump-dom", f"{path.as_uri()}{fragment}")
    return facts_in(dom), dom


def facts_in(dom):
    found = re.search(r'data-facts="([^"]*)"', dom)
    assert found, dom[:2000]
    return json.loads(unescape(found[1]))
