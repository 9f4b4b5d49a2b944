"""The ledger of claims as a page of its own."""

from markupsafe import Markup

from conformance.report.ledger import Ledger
from conformance.report.templating import content_policy, render, source


def page(ledger: Ledger) -> str:
    """Writes the page.

    Args:
        ledger: Of all claims, or of some.

    Returns:
        HTML with its style inside.
    """
    style = Markup(source("style.css"))
    return render(
        "claims_page.html",
        policy=content_policy(style),
        style=style,
        ledger=ledger,
    )
