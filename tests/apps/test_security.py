"""A server without a login: who may ask it what."""

from __future__ import annotations

import json
import re

import pytest

from apps.dashboard import Settings, create_app
from apps.dashboard.pages import PAGES
from apps.dashboard.security import own_origin
from interp.errors import InterpError

BASE = "http://127.0.0.1:8050"
PATHS = [module.PATH for module in PAGES]
WITHOUT_RUN = ("/", "/training", "/try", "/study")  # pages that no run is asked of
TRY = "/download/try/<int:number>/<any(predictions, lens, attention):name>.<any(csv, html):kind>"
ROUTES = {
    "/download/<run_id>/<name>.csv": "/download/nothing/curve.csv",
    "/download/<run_id>/<name>.html": "/download/nothing/curve.html",
    "/download/log/<name>/<measure>.<any(csv, html):kind>": "/download/log/multiply-icot/digit_loss.csv",
    "/download/view.json": "/download/view.json?path=/af1",
    TRY: "/download/try/1/lens.csv",
}
SERVED = [*ROUTES.values(), "/health", "/assets/app.css", "/_dash-layout", "/_dash-dependencies"]


@pytest.fixture(scope="module")
def client(study):
    return create_app(Settings(store=study)).server.test_client()


def ask(client, pathname="/", search="", **options):
    """Post the router's callback as the browser does."""
    outputs = [{"id": "page", "property": "children"}, {"id": "navigation", "property": "children"}]
    body = {
        "output": "..page.children...navigation.children..",
        "outputs": outputs,
        "inputs": [
            {"id": "url", "property": "pathname", "value": pathname},
            {"id": "url", "property": "search", "value": search},
        ],
        "state": [{"id": "theme", "property": "data", "value": "light"}],
        "changedPropIds": ["url.pathname"],
    }
    given = {"data": json.dumps(body), "content_type": "application/json", "base_url": BASE, **options}
    return client.post("/_dash-update-component", **given)


def test_another_host_name_is_refused(client):
    assert client.get("/", base_url=BASE).status_code == 200
    assert client.get("/", base_url="http://localhost:8050").status_code == 200
    assert client.get("/", base_url=BASE, headers={"Host": "evil.example"}).status_code == 400
    assert ask(client, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_origin_may_not_post(client, headers):
    assert ask(client, headers=headers).status_code == 403


def test_our_own_page_may_post(client):
    own = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    assert ask(client, headers=own).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_only_json_may_be_posted(client, kind):
    assert ask(client, content_type=kind).status_code == 415


def test_own_origin():
    assert own_origin("127.0.0.1:8050", None, None)
    assert own_origin("127.0.0.1:8050", BASE, "same-origin")
    assert not own_origin("127.0.0.1:8050", "http://127.0.0.1", None)


def test_headers_of_every_answer(client):
    for path in ("/", "/_dash-layout", "/assets/app.css", "/nowhere"):
        with client.get(path, base_url=BASE) as answer:
            headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_the_policy_allows_no_foreign_and_no_evaluated_script(client):
    policy = client.get("/", base_url=BASE).headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts
    assert "http" not in policy
    assert re.search(r"script-src 'self' 'sha256-[^']+'", scripts)


def test_the_page_names_no_other_address(client):
    html = client.get("/", base_url=BASE).get_data(as_text=True)
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", html)
    assert '<html lang="en"' in html


def test_assets_do_not_lead_out(client):
    assert client.get("/assets/../app.py", base_url=BASE).status_code == 404
    assert client.get("/assets/%2e%2e/app.py", base_url=BASE).status_code == 404


@pytest.mark.parametrize("run", ["..%2F..%2Fetc%2Fpasswd", "no-such-run", "%00", "A" * 500])
@pytest.mark.parametrize("path", PATHS)
def test_a_bad_run_id_gives_a_page_that_says_so(client, path, run):
    answer = ask(client, path, f"?run={run}")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "This page failed" not in text
    assert "root:" not in text
    if run != "no-such-run":
        assert "is not a run id" in text
    elif path not in WITHOUT_RUN:
        assert "no-such-run" in text


@pytest.mark.parametrize("path", [*PATHS, *SERVED])
def test_every_address_refuses_another_host(client, path):
    assert client.get(path, base_url=BASE, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", PATHS)
def test_every_page_refuses_another_host_and_origin(client, path):
    assert ask(client, path, headers={"Host": "evil.example"}).status_code == 400
    assert ask(client, path, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("rule", ["/download/nothing/curve.csv", "/download/log/nothing/loss.csv", "/", "/nowhere"])
def test_reading_addresses_cannot_be_posted_to_from_elsewhere(client, rule):
    answer = client.post(rule, base_url=BASE, json={}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_every_address_of_the_server_is_known_here(client):
    """A new address must be added to `SERVED`, so that the checks above hold for it."""
    own = {str(rule) for rule in client.application.url_map.iter_rules() if not str(rule).startswith("/_dash")}
    usual = {"/", "/<path:path>", "/assets/<path:filename>", "/static/<path:filename>", "/health"}
    assert own - usual == {"/_favicon.ico", "/_reload-hash", *ROUTES}


def test_the_theme_comes_from_the_cookie(client):
    client.set_cookie("arithmoscope_theme", "dark", domain="127.0.0.1")
    assert 'data-theme="dark"' in client.get("/", base_url=BASE).get_data(as_text=True)
    client.set_cookie("arithmoscope_theme", '"><script>', domain="127.0.0.1")
    assert 'data-theme="light"' in client.get("/", base_url=BASE).get_data(as_text=True)
    client.delete_cookie("arithmoscope_theme", domain="127.0.0.1")


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.4", "example.org"])
def test_only_this_machine_is_served(tmp_path, host):
    with pytest.raises(InterpError, match="this machine only"):
        Settings(store=tmp_path, host=host)


def test_the_environment_does_not_choose_the_host(monkeypatch, tmp_path):
    monkeypatch.setenv("HOST", "0.0.0.0")
    assert Settings(store=tmp_path).host == "127.0.0.1"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_a_port(tmp_path, port):
    with pytest.raises(InterpError, match="not a port"):
        Settings(store=tmp_path, port=port)


def test_no_debugger_and_no_model_context_server(client):
    assert client.application.debug is False
    assert client.post("/_mcp", base_url=BASE, json={}).status_code in (404, 405)
