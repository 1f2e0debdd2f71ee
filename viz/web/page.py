"""Pages as text: the shell with style, script and the document inside, which asks for nothing."""

import base64
import hashlib
import json
from functools import lru_cache
from html import escape
from importlib.resources import files

from lattice_gnn import __version__
from lattice_gnn.reports.document import Document


@lru_cache(maxsize=4)
def resource(name: str) -> str:
    """Return a text file of this folder."""
    return files("viz.web").joinpath(name).read_text(encoding="utf-8")


def inert_json(document: Document) -> str:
    """Return JSON that cannot end the element that it stands in."""
    text = json.dumps(document.to_dict(), ensure_ascii=False, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def shell(title: str, page: str, body: str, *, connects: bool = False) -> str:
    """Return a whole page.

    Its security policy allows its own script and style and no request at all.

    Args:
        title: Title of the window.
        page: Which page the script starts, "report" or "app".
        body: The content, HTML.
        connects: Whether the script may ask the server that the page came from.
    """
    script = resource("front.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
        + ("; connect-src 'self'" if connects else "")
    )
    style = resource("page.css") + (resource("app.css") if page == "app" else "")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="lattice-gnn {__version__}">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{style}</style></head>\n"
        f'<body data-page="{page}">\n{body}\n<script>{script}</script>\n</body></html>\n'
    )
