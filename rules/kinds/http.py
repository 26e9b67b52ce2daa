"""``http``: one request. A value can change what stands in a path segment, a query value, a header or a JSON string only."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from lumen.errors import RenderError
from rules.key import REQUIRED, Key
from rules.kinds._kind import Kind, ValueOf
from rules.language.placeholders import fill, fill_in, keys_in, names, spans
from rules.reading.document import Findings, Node, Place, Scalar
from rules.reading.sections import Section
from rules.reading.values import url_problem

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"}
)
_ORIGIN = re.compile(r"[a-zA-Z]+://[^/?#]*")

KEYS = (
    Key("method", "choice", "POST", "request method", choices=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")),
    Key("url", "template", REQUIRED, "http or https; placeholders only in path and query, percent-encoded there"),
    Key("headers", "texts", {}, "names and values; placeholders inside the values"),
    Key("json", "json", None, "body; placeholders inside its strings", otherwise="no body"),
)


def _read(value: Section, _node: Node, findings: Findings) -> dict[str, Any] | None:
    before = len(findings.items)
    address = value.get("url")
    if address is not None:
        _check_url(address, value.nodes["url"], findings)
    headers = _headers(value, findings)
    body = value.get("json")
    if any(names(key) for key in keys_in(body)):
        findings.add(value.at("json"), "a placeholder stands in a name of http.json", "placeholders belong into values")
    if len(findings.items) > before or not value.complete:
        return None
    return {"method": value.get("method"), "url": address, "headers": headers, "json": body}


def _check_url(address: str, node: Node, findings: Findings) -> None:
    origin = _ORIGIN.match(address)
    end = origin.end() if origin else len(address)
    for start, _, name in spans(address):
        if start < end:
            findings.add(
                _at(node, start),
                f"the placeholder {{{name}}} stands before the path of the URL",
                "write scheme and host in full",
            )
            return
    if problem := url_problem(fill(address, lambda _name: "x")):
        findings.add(node.place, f"http.url {problem}", "write it like https://host/path")
    elif "#" in address:
        findings.add(
            node.place, "http.url has a fragment, which is never sent", "remove the part from # on, or write %23"
        )


def _at(node: Node, offset: int) -> Place:
    return node.at(offset) if isinstance(node, Scalar) else node.place


def _headers(value: Section, findings: Findings) -> dict[str, str]:
    result: dict[str, str] = {}
    for each in value.get("headers") or []:
        name, text = each.name, each.value
        if not _HEADER_NAME.fullmatch(name.text):
            findings.add(name.place, f"{name.text} is no header name", "use letters, digits and dashes")
        elif name.text.lower() in _OWN_HEADERS:
            findings.add(name.place, f"the header {name.text} is set by the client itself", "remove it")
        elif name.text.lower() in {known.lower() for known in result}:
            findings.add(name.place, f"the header {name.text} is given twice", "keep one")
        elif not _HEADER_VALUE.fullmatch(fill(text.text, lambda _name: "x")):
            findings.add(text.place, f"the header {name.text} holds other than printable ASCII", "encode it")
        else:
            result[name.text] = text.text
    return result


def _render(spec: dict[str, Any], value_of: ValueOf) -> dict[str, Any]:
    headers = {name: fill(text, value_of) for name, text in spec["headers"].items()}
    for name, text in headers.items():
        if not _HEADER_VALUE.fullmatch(text):
            raise RenderError(f"the header {name} would hold other than printable ASCII")
    return {
        "method": spec["method"],
        "url": _rendered_url(spec["url"], value_of),
        "headers": headers,
        "json": fill_in(spec["json"], value_of),
    }


def _rendered_url(template: str, value_of: ValueOf) -> str:
    """Percent-encode every value. A value that would make a path segment ``.`` or ``..`` is refused: clients resolve it."""
    address = fill(template, lambda name: quote(value_of(name), safe=""))
    path = template.partition("?")[0]
    if names(path) and any(unquote(segment) in {".", ".."} for segment in address.partition("?")[0].split("/")):
        raise RenderError("a value would make a path segment of the URL . or ..")
    return address


def _line(spec: dict[str, Any]) -> str:
    return f"{spec['method']} {spec['url']}"


def _shown(spec: dict[str, Any]) -> dict[str, Any]:
    """Hide header values, and the user part, query and fragment of the URL."""
    headers = dict.fromkeys(spec.get("headers", {}), "(hidden)")
    return {**spec, "headers": headers, "url": _shown_url(str(spec.get("url", "")))}


def _shown_url(url: str) -> str:
    # The query goes first: it may follow the host without a slash, and may itself hold "://", "/" and "@".
    place, query, _ = url.partition("?")
    scheme, separator, rest = place.partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}" + ("?(hidden)" if query else "")


KIND = Kind(Key("http", "section", None, "one HTTP request", keys=KEYS), _read, _render, _line, _shown)
