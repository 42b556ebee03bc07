"""Tables of general tools, which no header tells: real headers, rows of our own."""

from tests.backlog.card_import.export import PERSON, Export
from tests.backlog.card_import.exports import table

TABLES: tuple[Export, ...] = (
    Export(
        "dovetail",
        table([["Title", "Content", "Segment"], ["Call 7", "They want " + "more " * 400, "SMB;Pilot"]]),
        "Call 7\n\nThey want " + ("more " * 400).strip(),
        None,
        None,
        {"Segment": "SMB;Pilot"},
    ),
    Export(
        "notion",
        "\ufeff".encode()
        + table([["Name", "Feedback", "Created"], ["Card", "The search is slow", "March 1, 2026 10:00 AM"]]),
        "The search is slow",
        "sha256",
        "2026-03-01T10:00:00Z",
    ),
    Export(
        "airtable",
        table(
            [
                ["Feedback", "Rating", "Attachments", "Collaborator"],
                ["The search is slow", "4", "a.png (https://dl.airtable.com/a)", PERSON],
            ]
        ),
        "The search is slow",
        None,
        None,
        {"Rating": "4"},
    ),
    Export(
        "excel-csv-utf8",
        table(
            [["Kommentar", "Kanal", "Datum"], ["Zu langsam; leider", "Mail", "24.12.2025"]],
            delimiter=";",
            encoding="utf-8-sig",
        ),
        "Zu langsam; leider",
        "sha256",
        "2025-12-24T00:00:00Z",
    ),
    Export(
        "excel-unicode-text",
        b"\xff\xfe" + table([["コメント", "評価"], ["注文が遅い", "2"]], delimiter="\t").decode().encode("utf-16-le"),
        "注文が遅い",
        None,
        None,
        {"評価": "2"},
    ),
)
