"""Templates with everything escaped that is not ours."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from conformance.report import wording

# Signs that mean something in Markdown or in HTML; an underscore does not between
# letters.
SIGNS = re.compile(r"[\\`*\[\]<>#!|&~@$]|(?<![^_\W])_|_(?![^_\W])")
HERE = Path(__file__).parent
FOLDERS = (
    HERE / "html" / "templates",
    HERE / "templates",
    HERE.parent / "doctor" / "templates",
)


def render(name: str, **context: Any) -> str:
    """Fills in a template.

    Args:
        name: Its file, beside this module.
        **context: What it shows.

    Returns:
        The text, without characters that are unfit to be shown.
    """
    return _environment().get_template(name).render(**context)


def source(name: str) -> str:
    """The text of a file among the templates, as it stands."""
    path = next(folder / name for folder in FOLDERS if (folder / name).exists())
    return path.read_text(encoding="utf-8")


def content_policy(style: str, script: str = "") -> str:
    """Lets a page's own style and script be used, and nothing else be loaded or run.

    Args:
        style: Of the page, as it stands there.
        script: Likewise; a page without one runs none.
    """
    allowed = f"style-src {_digest(style)}; "
    if script:
        allowed += f"script-src {_digest(script)}; "
    return (
        f"default-src 'none'; {allowed}img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(FOLDERS),
        autoescape=select_autoescape(("html", "svg", "md")),
        undefined=StrictUndefined,
        finalize=_fit,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["units"] = wording.units
    found.filters["counted"] = wording.counted
    found.filters["grouped"] = wording.grouped
    found.filters["breakable"] = _breakable
    found.filters["md"] = _markdown
    return found


def _breakable(name: str) -> Markup:
    """A name that may be broken after its underscores."""
    return Markup("_<wbr>").join(wording.clean(name).split("_"))


def _markdown(text: str) -> Markup:
    """Text in which Markdown and HTML see nothing of their own, on one line."""
    words = " ".join(wording.clean(str(text)).split())
    # Nothing is left of what either knows.
    return Markup(SIGNS.sub(lambda sign: f"&#{ord(sign[0])};", words))


def _fit(value: Any) -> Any:
    """Cleans text of strangers; what is marked as safe is ours."""
    strange = isinstance(value, str) and not isinstance(value, Markup)
    return wording.clean(value) if strange else value
