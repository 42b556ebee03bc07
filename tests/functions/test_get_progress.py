"""get_progress on events of API Gateway."""

import base64
import gzip
import json
from typing import Any

import pytest

from functions.get_progress import app
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.api import http
from groundwork.runs.model import RunType
from tests.events import Context, api_event
from tests.functions.services import services_on
from tests.runs.world import World


@pytest.fixture
def world(simulated_tables: Tables, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(app, "services", lambda: services_on(simulated_tables))
    return World(simulated_tables)


def get(path: str, accept_encoding: str = "") -> dict[str, Any]:
    headers = {"accept_encoding": accept_encoding} if accept_encoding else {}
    return app.handler(api_event("GET", path, query={"items": "true"}, **headers), Context())


@pytest.fixture
async def path(world: World) -> str:
    world.add_cards(1_000, text='"It is slow", they say, and then it stops.')
    run_id = world.start(RunType.ANALYZE_CARDS, pacing="fast")
    await world.to_the_end(run_id)
    return f"/api/runs/{run_id}/progress"


async def test_who_takes_gzip_gets_the_same_items_in_a_tenth_of_the_bytes(path: str) -> None:
    plain, zipped = get(path), get(path, "gzip, deflate, br, zstd")
    assert (zipped["isBase64Encoded"], zipped["headers"]["content-encoding"]) == (True, "gzip")
    assert (plain["isBase64Encoded"], plain["headers"].get("content-encoding")) == (False, None)
    unzipped = json.loads(gzip.decompress(base64.b64decode(zipped["body"])))
    assert unzipped["items"] == json.loads(plain["body"])["items"]
    assert len(unzipped["items"]) == 1_000
    assert len(zipped["body"]) < len(plain["body"]) / 10


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000, br", "x-gzip", "identity"])
async def test_who_does_not_take_gzip_gets_none(path: str, accepted: str) -> None:
    assert len(json.loads(get(path, accepted)["body"])["items"]) == 1_000


@pytest.mark.parametrize("accepted", ["gzip", "br;q=1.0,GZIP;q=0.5", "deflate, gzip ; q=1"])
async def test_gzip_is_asked_for_in_many_ways(path: str, accepted: str) -> None:
    assert get(path, accepted)["headers"]["content-encoding"] == "gzip"


async def test_what_is_larger_than_lambda_can_send_is_told_rather_than_lost(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = get(path)
    # Lambda escapes the quotes of the body once more
    monkeypatch.setattr(http, "MAX_BYTES", len(plain["body"].encode()) + 1_000)
    refused = get(path)
    error = json.loads(refused["body"])["error"]
    assert (refused["statusCode"], error["code"]) == (413, "TOO_LARGE")
    assert "Accept-Encoding: gzip" in error["message"]
    assert get(path, "gzip")["statusCode"] == 200
