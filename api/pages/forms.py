"""Forms of pages: what they send is read strictly, and only if a page of this site sent it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from api.body import OTHER_BYTES, read_body
from api.edge import Edge, Site
from api.problems import Problem
from lumen.errors import SealError
from lumen.sealing import seal, unseal

FORM_SECONDS = 8 * 3600
"""As long as the longest session that can show a form: a page that was opened in the morning can be sent all day."""

FORM_TYPE = "application/x-www-form-urlencoded"
_PURPOSE = "form"
_MOST_FIELDS = 50
_ONCE = ("origin", "sec-fetch-site", "host")


def media_type(request: Request) -> str:
    """Return the media type of the body without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_same_origin(request: Request, site: Site) -> None:
    """Let only a request pass that a page of this site made in a browser; raises :class:`Problem` 403.

    A browser says where a POST comes from and no page can change that: in ``Sec-Fetch-Site`` (Fetch Metadata, to https
    and loopback addresses) and in ``Origin``, which is ``null`` when the page asks for no referrer.
    """
    if not is_same_origin(request, site):
        detail = "this was not sent by a page of Lumen: open the page at its own address, and send it from there"
        raise Problem(403, detail, reason="foreign_origin")


def is_same_origin(request: Request, site: Site) -> bool:
    """Return whether a page of this site sent ``request``, as far as a browser can have sent it."""
    headers = request.headers
    if any(len(headers.getlist(name)) > 1 for name in _ONCE):
        return False
    fetched, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if fetched is not None:
        return fetched == "same-origin" and (origin in {None, "null"} or _is_ours(str(origin), request, site))
    return origin is not None and _is_ours(origin, request, site)


def claims_origin(request: Request) -> bool:
    """Return whether ``request`` says where it comes from, as every POST of a browser does."""
    return "sec-fetch-site" in request.headers or "origin" in request.headers


def _is_ours(origin: str, request: Request, site: Site) -> bool:
    public = urlsplit(site.base_url)
    if origin.lower() == f"{public.scheme}://{public.netloc.rpartition('@')[2]}".lower():
        return True
    # Under a plain http address the same Lumen may have several names, such as localhost and 127.0.0.1.
    host = request.headers.get("host", "")
    return public.scheme == "http" and bool(host) and origin.lower() == f"http://{host}".lower()


async def read_fields(request: Request, edge: Edge) -> dict[str, str]:
    """Return the fields of a form that a page of this site sent.

    Raises:
        Problem: 403 another site sent it; 400 or 415 it cannot be read; 408 or 413 as :func:`api.body.read_body`.

    """
    require_same_origin(request, edge.site)
    return await read_urlencoded(request, edge)


async def read_urlencoded(request: Request, edge: Edge) -> dict[str, str]:
    """Return the fields of a form, whoever sent it; raises as :func:`read_fields` but for the 403."""
    if media_type(request) != FORM_TYPE:
        raise Problem(415, f"this path takes a form ({FORM_TYPE})")
    body = await read_body(request, OTHER_BYTES, edge.body_seconds)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(400, "this form cannot be read: want UTF-8, percent-encoded") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Problem(400, "a field stands twice in this form")
    # Browsers send the end of a line as CRLF and count it as one character.
    return {name: value.replace("\r\n", "\n") for name, value in fields.items()}


def form_token(edge: Edge, subject: str) -> str:
    """Return the token that proves that a page was made for ``subject``: a session, or a person whom a proxy names."""
    payload = {"s": subject, "x": int(edge.now().timestamp()) + FORM_SECONDS}
    return seal(_PURPOSE, payload, edge.bridge_keys)


def require_form_token(edge: Edge, given: str, shown: str) -> None:
    """Let only a form pass whose token ``given`` was made for the same subject as ``shown``; raises :class:`Problem` 403."""
    try:
        found, expected = unseal(_PURPOSE, given, edge.bridge_keys), unseal(_PURPOSE, shown, edge.bridge_keys)
    except SealError:
        raise _stale() from None
    expires = found.get("x")
    if found.get("s") != expected.get("s") or not isinstance(expires, int) or edge.now().timestamp() >= expires:
        raise _stale()


def _stale() -> Problem:
    return Problem(403, "this page is too old, or was made for somebody else: load it again", reason="stale_form")
