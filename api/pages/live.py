"""Pages that stay up to date: the script asks for the part that changes, and gets it only if it has changed.

The answer to a request with the header ``Lumen-Part: main`` is that part alone, under an ``ETag``. Without JavaScript the
page is the same, and loads itself again where that takes nothing away from anybody.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from api.pages.rendering import FOLDER, Pages
from api.problems import Problem

router = APIRouter()

PART_HEADER = "lumen-part"
_RELATIVE = re.compile(r'<span class="rel">[^<]*</span>')
_AGES = 30
_STATIC = FOLDER / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_STATIC_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


def answer(
    request: Request,
    pages: Pages,
    template: str,
    values: Mapping[str, Any],
    now: datetime,
    volatile: tuple[str, ...] = (),
) -> Response:
    """Return ``template``, or the part of it that changes: ``live/<template>`` with the same ``values``.

    ``volatile`` are texts in it that differ each time and mean the same, such as a form's token. How long ago something was
    does not count as a change either, but twice a minute.
    """
    if request.headers.get(PART_HEADER) != "main":
        return pages.page(template, values, live=True)
    text = pages.text(f"live/{template}", values)
    tag = _tag(_RELATIVE.sub("", text), volatile, now)
    headers = {**pages.headers(live=True), "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type="text/html")


def _tag(text: str, volatile: tuple[str, ...], now: datetime) -> str:
    for one in volatile:
        text = text.replace(one, "")
    text += str(int(now.timestamp()) // _AGES)
    return f'"{hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]}"'


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Return one of the files that pages use; open, since they are the same everywhere."""
    known = {path.name: path for path in _STATIC.iterdir()}
    path = known.get(name)
    kind = _TYPES.get(Path(name).suffix)
    if path is None or kind is None:
        raise Problem(404, "there is nothing at this path")
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**_STATIC_HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)
