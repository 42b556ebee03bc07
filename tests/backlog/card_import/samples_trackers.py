"""Exports of idea boards and issue trackers: real headers, rows of our own."""

from tests.backlog.card_import.export import MAIL, PERSON, Export
from tests.backlog.card_import.exports import ASANA, GITLAB, JIRA, LINEAR, USERVOICE, document, row, table

TRACKERS: tuple[Export, ...] = (
    Export(
        "canny",
        document(
            [
                {
                    "id": "553c3ef8b8cdcd1501ba1234",
                    "title": "Dark mode",
                    "details": "Please add **dark** mode",
                    "author": {"id": "a", "name": PERSON, "email": MAIL},
                    "by": None,
                    "board": {"id": "b", "name": "Ideas"},
                    "category": None,
                    "tags": [{"id": "t", "name": "ui"}],
                    "commentCount": 3,
                    "score": 21,
                    "status": "open",
                    "created": "2026-03-01T10:20:30.123Z",
                    "url": "https://x.canny.io/p/dark",
                }
            ]
        ),
        "Dark mode\n\nPlease add **dark** mode",
        "553c3ef8b8cdcd1501ba1234",
        "2026-03-01T10:20:30.123Z",
        {"score": 21, "board.name": "Ideas"},
    ),
    Export(
        "productboard",
        document(
            {
                "data": [
                    {
                        "id": "n-1",
                        "title": "Export",
                        "content": "<p>We need <b>CSV</b></p>",
                        "display_url": "https://x.productboard.com/n",
                        "external_display_url": None,
                        "company": None,
                        "user": {"id": "u", "email": MAIL},
                        "owner": {"email": MAIL},
                        "followers": [],
                        "state": "unprocessed",
                        "tags": ["csv"],
                        "source": {"origin": "mail", "record_id": "m"},
                        "created_at": "2026-03-01T10:20:30Z",
                    }
                ]
            }
        ),
        "Export\n\nWe need CSV",
        "n-1",
        "2026-03-01T10:20:30Z",
        {"tags": ["csv"]},
    ),
    Export(
        "uservoice",
        table(
            [
                USERVOICE,
                *[
                    row(
                        USERVOICE,
                        idea_id="17",
                        idea_title="Dark mode",
                        idea_description="Please",
                        labels='["ui","eye"]',
                        voters_count="2",
                        created_timestamp="2026-03-01 10:20:30",
                        idea_creator_email_address=MAIL,
                        user_name=voter,
                    )
                    for voter in (PERSON, "Max")
                ],
                row(USERVOICE, idea_id="18", idea_title="Buy pills", moderation_state="Spam"),
            ]
        ),
        "Dark mode\n\nPlease",
        "17",
        "2026-03-01T10:20:30Z",
        {"Voters Count": "2"},
        skipped=["spam or deleted idea"],
    ),
    Export(
        "jira",
        table(
            [
                JIRA,
                [
                    "Export fails",
                    "RD-7",
                    "10007",
                    "Bug",
                    "Open",
                    "RD",
                    "Ride",
                    "software",
                    PERSON,
                    "High",
                    "",
                    PERSON,
                    "5b:1",
                    PERSON,
                    "5b:2",
                    PERSON,
                    "14/Jul/25 3:42 PM",
                    "",
                    "",
                    "",
                    "",
                    "0",
                    "csv",
                    "export",
                    "h2. Steps\n[~accountid:5b:1] sees it",
                    "",
                    PERSON,
                    PERSON,
                    "15/Jul/25 9:00 AM;5b:1;Same; here",
                    "",
                    "",
                    "3",
                    "",
                    "",
                    "",
                    "",
                ],
            ],
            encoding="utf-8-sig",
        ),
        "Export fails\n\nh2. Steps\n@user sees it",
        "RD-7",
        "2025-07-14T15:42:00Z",
        {"Labels": ["csv", "export"], "Comment": "Same; here"},
    ),
    Export(
        "jira",
        table(
            [
                [
                    "Zusammenfassung",
                    "Vorgangsschlüssel",
                    "Vorgangs-ID",
                    "Vorgangstyp",
                    "Autor",
                    "Erstellt",
                    "Beschreibung",
                ],
                ["Export geht nicht", "RD-8", "10008", "Fehler", PERSON, "23.10.2025 14:05", "Immer"],
            ],
            delimiter=";",
            encoding="cp1252",
        ),
        "Export geht nicht\n\nImmer",
        "RD-8",
        "2025-10-23T14:05:00Z",
    ),
    Export(
        "linear",
        table(
            [
                LINEAR,
                row(
                    LINEAR,
                    id="RID-12",
                    title="Export",
                    description="'- as CSV",
                    creator=MAIL,
                    created="2026-03-01T10:20:30.000Z",
                    labels="a, b",
                )[:-1],
            ]
        ),
        "Export\n\n- as CSV",
        "RID-12",
        "2026-03-01T10:20:30Z",
        {"Labels": "a, b"},
    ),
    Export(
        "github",
        document(
            [
                {
                    "number": 7,
                    "node_id": "I_7",
                    "id": 900,
                    "title": "Crash",
                    "body": "<!-- read this -->\nIt crashes",
                    "html_url": "https://github.com/o/r/issues/7",
                    "state": "open",
                    "user": {"login": PERSON, "id": 3},
                    "labels": [{"id": 1, "name": "bug"}, {"id": 2, "name": "ios"}],
                    "comments": 0,
                    "created_at": "2026-03-01T10:20:30Z",
                    "pull_request": None,
                },
                {
                    "number": 8,
                    "node_id": "I_8",
                    "title": "Fix",
                    "body": None,
                    "html_url": "https://github.com/o/r/pull/8",
                    "user": None,
                    "labels": [],
                    "created_at": "2026-03-01T10:20:30Z",
                    "pull_request": {"url": "https://api.github.com/o/r/pulls/8"},
                },
            ]
        ),
        "Crash\n\nIt crashes",
        "https://github.com/o/r/issues/7",
        "2026-03-01T10:20:30Z",
        {"labels": ["bug", "ios"], "number": 7},
        skipped=["pull request"],
    ),
    Export(
        "github-cli",
        document(
            [
                {
                    "author": {"login": PERSON},
                    "body": "It crashes",
                    "createdAt": "2026-03-01T10:20:30Z",
                    "labels": [{"name": "bug"}],
                    "number": 7,
                    "title": "Crash",
                    "url": "https://github.com/o/r/issues/7",
                    "comments": [{"author": {"login": PERSON}, "body": "Same"}],
                }
            ],
            indent=2,
        ),
        "Crash\n\nIt crashes",
        "https://github.com/o/r/issues/7",
        "2026-03-01T10:20:30Z",
        {"labels": ["bug"]},
    ),
    Export(
        "gitlab",
        table(
            [
                GITLAB,
                row(
                    GITLAB,
                    title="'=Crash",
                    description="It crashes",
                    issue_id="7",
                    url="https://gitlab.com/o/r/-/issues/7",
                    author=PERSON,
                    author_username="zq",
                    created_at__utc="2026-03-01 10:20:30",
                    labels="bug,ios",
                ),
            ]
        ),
        "=Crash\n\nIt crashes",
        "https://gitlab.com/o/r/-/issues/7",
        "2026-03-01T10:20:30Z",
        {"Labels": "bug,ios"},
    ),
    Export(
        "trello",
        document(
            {
                "id": "b1",
                "name": "Board",
                "url": "https://trello.com/b/1",
                "lists": [{"id": "l1", "name": "Ideas", "closed": False}],
                "members": [{"id": "m1", "fullName": PERSON}],
                "cards": [
                    {
                        "id": "69a40f5400000000000000aa",
                        "idShort": 4,
                        "idList": "l1",
                        "idBoard": "b1",
                        "name": "Dark mode",
                        "desc": "Please",
                        "closed": False,
                        "dateLastActivity": "2026-03-02T00:00:00.000Z",
                        "due": None,
                        "shortUrl": "https://trello.com/c/4",
                        "labels": [{"id": "x", "name": "ui", "color": "red"}],
                        "idMembers": ["m1"],
                        "badges": {"votes": 2},
                    }
                ],
                "actions": [
                    {
                        "type": "commentCard",
                        "date": "2026-03-02",
                        "memberCreator": {"fullName": PERSON},
                        "data": {"text": "Me too", "card": {"id": "69a40f5400000000000000aa"}},
                    }
                ],
            }
        ),
        "Dark mode\n\nPlease\n\nMe too",
        "69a40f5400000000000000aa",
        "2026-03-01T10:05:08Z",
        {"list": "Ideas", "labels": ["ui"]},
    ),
    Export(
        "asana",
        table(
            [
                ASANA,
                row(
                    ASANA,
                    task_id="1211430000000001",
                    created_at="2026-03-01",
                    name="Dark mode",
                    notes="Please",
                    assignee=PERSON,
                    assignee_email=MAIL,
                ),
            ]
        ),
        "Dark mode\n\nPlease",
        "1211430000000001",
        "2026-03-01T00:00:00Z",
    ),
)
