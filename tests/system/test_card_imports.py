"""Files of feedback through the local system, bytes and charsets as a client sends them."""

import gzip

from local.system import LocalSystem
from tests.backlog.card_import.exports import document, google_play, play_row, workbook
from tests.system.client import Client

BYTES = {"content-type": "application/octet-stream"}


def test_feedback_comes_in_as_files_of_any_kind(mocked: tuple[LocalSystem, Client]) -> None:
    _, client = mocked
    project = client.ok(client.http.post("/api/projects", json={"name": "Files"}), 201)["id"]
    path = f"/api/projects/{project}/cards"
    play = google_play(play_row("A1", "Zu langsam"))
    lines = b"\n".join(document({"text": f"Card {number}", "email": "x" * 160_000}) for number in range(30))
    assert 4.5 * 1024 * 1024 < len(lines) < 5 * 1024 * 1024
    files = (
        ("Grüße", {"content-type": "text/csv; charset=windows-1252"}, "text\nGrüße\n".encode("cp1252")),
        ("注文が遅い", {"content-type": "text/csv; charset=Shift_JIS"}, "text\n注文が遅い\n".encode("cp932")),
        ("Zu langsam", {"content-type": "text/csv; charset=utf-16"}, play),
        ("Hallo", {"content-type": "text/csv"}, b"text;source\nHallo;mail\n"),
        ("Sheet", BYTES, workbook([["Text"], ["Sheet"]])),
        ("Card 29", {"content-type": "application/x-ndjson", "content-encoding": "gzip"}, gzip.compress(lines)),
    )
    for text, headers, body in files:
        shown = client.ok(client.http.post(f"{path}/preview", content=body, headers=headers))
        assert shown["first"], text
        headers = headers | {"idempotency-key": text.encode().hex()}
        answer = client.ok(client.http.post(path, content=body, headers=headers))
        assert answer["created"] > 0, text
        assert client.ok(client.http.post(path, content=body, headers=headers)) == answer
        assert client.http.get(path, params={"limit": 200}).json()["items"][-1]["text"] == text
    again = client.ok(client.http.post(path, content=play, headers=BYTES))
    assert (again["created"], again["duplicates"]) == (0, 1)
    # 5 MB are promised; this is what the gateway takes of them without compression
    assert client.http.post(path, content=lines, headers={"content-type": "application/x-ndjson"}).status_code == 413
