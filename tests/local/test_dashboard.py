"""The dashboard's files are served as the template's distribution serves them."""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from local.dashboard import Dashboard
from local.template import SamTemplate
from tests.deployed.paths import PATHS

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "console.log('a script that is long enough');" * 100


def api(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return Response("the api", 404)(environ, start_response)


@pytest.fixture(scope="module")
def template() -> SamTemplate:
    return SamTemplate(ROOT / "template.yaml", parameters={}, region="us-east-1")


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("not for anybody")
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>the page</title>")
    (built / "theme.js").write_text("theme()")
    (built / "assets" / "index-B1x.js").write_text(SCRIPT)
    return built


@pytest.fixture
def http(dist: Path, template: SamTemplate) -> Client:
    return Client(Dashboard(dist, api, template))


@pytest.mark.parametrize(("path", "file"), PATHS)
def test_a_path_is_answered_with_the_file_that_cloudfront_takes(http: Client, path: str, file: str) -> None:
    answer = http.get(path)
    assert answer.text == {"/index.html": "<title>the page</title>", "/assets/index-B1x.js": SCRIPT}.get(
        file, "File not found.\n"
    )


@pytest.mark.parametrize("path", ["/api/", "/api/projects", "/api/nowhere", "/api/nowhere.js"])
def test_what_is_below_api_is_the_api_s_and_so_is_its_404(http: Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.text) == (404, "the api")
    assert "Content-Security-Policy" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_but_reading_is_the_dashboard_s(http: Client, method: str) -> None:
    assert http.open("/projects", method=method).text == "the api"


def test_the_page_is_never_cached_and_hashed_files_forever(http: Client) -> None:
    def kept(path: str) -> str:
        return http.get(path).headers["Cache-Control"]

    assert kept("/") == "no-store"
    assert kept("/projects/k3v9x2m4q8-E3") == "no-store"
    assert kept("/assets/index-B1x.js") == "public, max-age=31536000, immutable"
    assert kept("/theme.js") == "no-cache"
    assert kept("/assets/gone.js") == "no-store"


def test_a_file_is_sent_with_its_type_whatever_the_machine_knows_of_types(http: Client) -> None:
    assert http.get("/").content_type == "text/html; charset=utf-8"
    assert http.get("/theme.js").content_type == "text/javascript; charset=utf-8"


def test_a_file_that_is_worth_it_is_compressed_for_who_can_read_that(http: Client) -> None:
    answer = http.get("/assets/index-B1x.js", headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data).decode() == SCRIPT
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in http.get("/assets/index-B1x.js").headers
    assert "Content-Encoding" not in http.get("/theme.js", headers={"Accept-Encoding": "gzip"}).headers


def test_what_the_build_has_compressed_is_sent_as_it_is(http: Client, dist: Path) -> None:
    (dist / "assets" / "index-B1x.js.br").write_bytes(b"in brotli")
    answer = http.get("/assets/index-B1x.js", headers={"Accept-Encoding": "gzip, br"})
    assert (answer.headers["Content-Encoding"], answer.data) == ("br", b"in brotli")
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert unzipped(http.get("/assets/index-B1x.js", headers={"Accept-Encoding": "gzip"})) == SCRIPT


def test_a_file_that_has_not_changed_is_not_sent_again(http: Client, dist: Path) -> None:
    before = http.get("/theme.js").headers["ETag"]
    assert http.get("/theme.js", headers={"If-None-Match": before}).status_code == 304
    (dist / "theme.js").write_text("other()")
    assert http.get("/theme.js", headers={"If-None-Match": before}).text == "other()"


def test_a_new_build_is_served_without_a_restart(http: Client, dist: Path) -> None:
    assert unzipped(http.get("/assets/index-B1x.js", headers={"Accept-Encoding": "gzip"})) == SCRIPT
    (dist / "assets" / "index-B1x.js").write_text(SCRIPT.upper())
    assert unzipped(http.get("/assets/index-B1x.js", headers={"Accept-Encoding": "gzip"})) == SCRIPT.upper()


def unzipped(answer: TestResponse) -> str:
    return gzip.decompress(answer.data).decode()


@pytest.mark.parametrize("path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "//etc/passwd.d"])
def test_nothing_outside_the_build_is_served(http: Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert "not for anybody" not in answer.text


@pytest.mark.parametrize("path", ["/", "/theme.js", "/assets/gone.js"])
def test_every_answer_carries_what_keeps_a_page_safe(http: Client, path: str) -> None:
    headers = http.get(path).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert len(policy["connect-src"].split()) == 2, "itself and the private bucket"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(" ".join(policy.values()).split())
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/plans/k3v9x2m4q8"])
def test_where_nothing_is_built_a_page_says_how(tmp_path: Path, template: SamTemplate, path: str) -> None:
    http = Client(Dashboard(tmp_path / "dist", api, template))
    answer = http.get(path)
    assert answer.status_code == 503
    assert answer.content_type == "text/html; charset=utf-8"
    assert "<pre>make web</pre>" in answer.text
    assert http.get("/api/projects").text == "the api"


def test_a_template_without_a_distribution_has_no_dashboard(dist: Path) -> None:
    template = SamTemplate(Path(__file__).parent / "fixture" / "template.yaml", parameters={}, region="us-east-1")
    assert Client(Dashboard(dist, api, template)).get("/").text == "the api"
