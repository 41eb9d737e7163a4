"""The app starts fast, needs no model, and two of them live in one process."""

from __future__ import annotations

import socket
import subprocess
import sys

from apps.dashboard import Settings, create_app
from apps.dashboard.__main__ import main
from apps.dashboard.pages import PAGES
from tests.apps.test_security import WITHOUT_RUN, ask

START = """
import sys, time
began = time.process_time()
from apps.dashboard import Settings, create_app
app = create_app(Settings(store=sys.argv[1]))
print(time.process_time() - began)
never = {"torch", "transformers", "transformer_lens", "sklearn", "interp.methods", "interp.engine", "interp.models"}
assert not never & set(sys.modules), never & set(sys.modules)
from pathlib import Path
from apps.dashboard.library import Library
from apps.dashboard.page import Request
from apps.dashboard.selection import Selection
from apps.dashboard.pages import PAGES
for module in PAGES:
    module.layout(Library(Path(sys.argv[1])), Request(Selection(), [], "light"))
assert not never & set(sys.modules), never & set(sys.modules)
"""


def test_the_app_starts_without_a_model_and_quickly(study):
    command = [sys.executable, "-c", START, str(study)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2.5, done.stdout  # CPU seconds, so that a busy machine does not matter


def test_two_apps_each_have_their_callbacks_and_their_store(study, tmp_path):
    first, second = create_app(Settings(store=study)), create_app(Settings(store=tmp_path))
    assert set(first.callback_map) == set(second.callback_map)
    assert len(first.callback_map) > 6
    with first.server.test_request_context("/"), second.server.test_request_context("/"):
        assert str(study) in str(first.layout())
        assert str(study) not in str(second.layout())


def test_two_apps_serve_each_page_over_their_own_store(study, tmp_path):
    first, second = (create_app(Settings(store=root)).server.test_client() for root in (study, tmp_path))
    for module in PAGES:
        full, bare = (ask(client, module.PATH).get_data(as_text=True) for client in (first, second))
        assert "This page failed" not in full + bare
        assert "No results yet" in bare or str(tmp_path) in bare or module.PATH in WITHOUT_RUN, module.PATH
        assert str(tmp_path) not in full


def test_a_mistake_in_the_arguments_is_one_line(capsys):
    assert main(["--host", "0.0.0.0"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: The app serves this machine only")
    assert err.count("\n") == 1


def test_a_taken_port_is_one_line(capsys, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port), "--store", str(tmp_path)]) == 2
    assert f"Port {port} of 127.0.0.1 cannot be used" in capsys.readouterr().err


def test_what_reads_datasets_is_imported_before_the_first_request(study):
    """Threads that import pandas and zarr at the same time break both, and with them the first page."""
    code = (
        "import sys; from apps.dashboard import Settings, create_app; create_app(Settings(store=sys.argv[1]));"
        "missing = {'pandas', 'xarray', 'zarr'} - set(sys.modules); assert not missing, missing"
    )
    subprocess.run([sys.executable, "-c", code, str(study)], check=True, timeout=120)
