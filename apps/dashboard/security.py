"""What keeps other pages, other hosts and other scripts out of a server that has no login.

A site in another tab can make the browser send requests to 127.0.0.1, and by DNS rebinding even read the answers. So:
only our host names (400), only our own origin may post (403), only JSON may be posted (415), and a policy under which
the browser runs no script and fetches no resource but ours.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

HOSTS = ["127.0.0.1", "localhost", "[::1]"]
READING = ("GET", "HEAD", "OPTIONS")


def guard(server: Flask, script_hashes: list[str]) -> None:
    """Install the checks and headers; `script_hashes` are those of the inline scripts of Dash."""
    server.config["TRUSTED_HOSTS"] = HOSTS
    policy = content_policy(script_hashes)

    @server.before_request
    def check() -> None:
        host = request.host  # raises 400 for a host that is not trusted
        if request.method in READING:
            return
        if not own_origin(host, request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")):
            abort(403, "This request came from another site.")
        if request.mimetype != "application/json":
            abort(415, "Only application/json is accepted here.")

    @server.after_request
    def protect(response: Response) -> Response:
        response.headers.update(
            {
                "Content-Security-Policy": policy,
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
                "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
            }
        )
        return response


def own_origin(host: str, origin: str | None, fetch_site: str | None) -> bool:
    """Return whether a request with these headers came from a page of `host`, or from no page at all."""
    if fetch_site not in (None, "same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == host


def content_policy(script_hashes: list[str]) -> str:
    """Return the Content-Security-Policy: everything from here, no eval; Mantine and Plotly need inline styles."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(script_hashes)}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
