"""Why something could not be reached, in words for a person: the text of a library names its own insides."""

from __future__ import annotations

_KNOWN = (
    (("refused",), "nothing listens there"),
    (
        ("name or service", "nodename", "name resolution", "dns error", "lookup address", "no address"),
        "unknown host name",
    ),
    (("certificate", "tls", "ssl"), "TLS failed"),
    (("unreachable", "no route"), "there is no route to it"),
    (("timed out", "timeout", "deadline"), "it does not answer"),
    (("reset", "closed", "disconnected", "broken pipe", "eof"), "it closed the connection"),
    (("unauthenticated", "unauthorized", "permission", "api key"), "it does not accept these credentials"),
)


def plain_cause(error: Exception) -> str:
    """Return in a few words why ``error`` happened; never the raw text of a library."""
    texts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(texts) < 5:
        texts.append(f"{type(seen).__name__} {seen}".lower())
        seen = seen.__cause__ or seen.__context__
    whole = " ".join(texts)
    return next((cause for signs, cause in _KNOWN if any(sign in whole for sign in signs)), "no connection")
