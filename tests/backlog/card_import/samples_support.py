"""Exports of help desks and chats: real headers, rows of our own."""

from tests.backlog.card_import.export import MAIL, PERSON, Export
from tests.backlog.card_import.exports import FRESHDESK, SALESFORCE, ZENDESK, archive_of, document, row, table

SUPPORT: tuple[Export, ...] = (
    Export(
        "zendesk-csv",
        table(
            [
                ZENDESK,
                row(
                    ZENDESK,
                    summation_column="1",
                    id="35436",
                    requester=PERSON,
                    requester_email=MAIL,
                    subject="Cannot log in",
                    status="Open",
                    created_at="2026-03-01 10:20",
                    satisfaction_score="Offered",
                ),
            ],
            quoting=1,
        ),
        "Cannot log in",
        "35436",
        "2026-03-01T09:20:00Z",
        {"Status": "Open"},
        query={"timezone": "Europe/Berlin"},
    ),
    Export(
        "zendesk-json",
        b"\n".join(
            document(
                {
                    "id": number,
                    "url": "https://x.zendesk.com/api/v2/tickets/1.json",
                    "subject": "Log in",
                    "raw_subject": "Log in",
                    "description": "I cannot log in.",
                    "status": "open",
                    "requester_id": 7,
                    "submitter_id": 7,
                    "tags": ["login"],
                    "via": {"channel": "email", "source": {"from": {"address": MAIL, "name": PERSON}}},
                    "created_at": "2026-03-01T10:20:00Z",
                    "custom_fields": [{"id": 1, "value": None}],
                    "comments": [
                        {"author_id": 7, "body": "I cannot log in."},
                        {"author_id": 9, "body": "Please wait."},
                        {"author_id": 7, "body": "Still not."},
                    ],
                }
            )
            for number in (1, 2)
        ),
        "Log in\n\nI cannot log in.\n\nStill not.",
        "1",
        "2026-03-01T10:20:00Z",
        {"tags": ["login"]},
        cards=2,
    ),
    Export(
        "intercom",
        document(
            {
                "type": "conversation.list",
                "conversations": [
                    {
                        "type": "conversation",
                        "id": "215",
                        "created_at": 1772356500,
                        "updated_at": 1772356600,
                        "state": "open",
                        "source": {
                            "type": "conversation",
                            "id": "3",
                            "delivered_as": "customer_initiated",
                            "subject": "",
                            "body": "<p>The map &amp; list<br>are slow</p>",
                            "author": {"type": "user", "id": "u", "name": PERSON, "email": MAIL},
                        },
                        "contacts": {"type": "contact.list", "contacts": [{"id": "u", "external_id": MAIL}]},
                        "conversation_rating": None,
                        "conversation_parts": {
                            "type": "conversation_part.list",
                            "total_count": 2,
                            "conversation_parts": [
                                {
                                    "part_type": "comment",
                                    "body": "<p>Sorry!</p>",
                                    "author": {"type": "admin", "name": "A"},
                                },
                                {
                                    "part_type": "comment",
                                    "body": "<p>Still slow</p>",
                                    "author": {"type": "user", "name": PERSON},
                                },
                            ],
                        },
                    }
                ],
            }
        ),
        "The map & list\nare slow\n\nStill slow",
        "215",
        "2026-03-01T09:15:00Z",
        {"state": "open"},
    ),
    Export(
        "freshdesk",
        table(
            [
                FRESHDESK,
                row(
                    FRESHDESK,
                    ticket_id="88",
                    subject="App is slow",
                    agent="Ann",
                    full_name=PERSON,
                    created_time="2026-03-01 10:20:30",
                ),
            ]
        ),
        "App is slow",
        "88",
        "2026-03-01T10:20:30Z",
    ),
    Export(
        "slack",
        archive_of(
            {
                "users.json": document([{"id": "U1", "name": PERSON}]),
                "channels.json": document([{"id": "C1", "name": "feedback"}]),
                "feedback/2026-03-01.json": document(
                    [
                        {
                            "type": "message",
                            "subtype": "channel_join",
                            "user": "U1",
                            "text": "<@U1> has joined the channel",
                            "ts": "1772356400.000100",
                        },
                        {
                            "type": "message",
                            "user": "U1",
                            "text": "<@U2> the <https://x.io/a|map> is slow &amp; ugly",
                            "ts": "1772356500.000200",
                            "client_msg_id": "c-1",
                            "thread_ts": "1772356500.000200",
                            "user_profile": {"real_name": PERSON},
                        },
                        {
                            "type": "message",
                            "subtype": "bot_message",
                            "bot_id": "B1",
                            "text": "Deployed",
                            "ts": "1772356501.000200",
                        },
                    ]
                ),
                "feedback/2026-03-02.json": document(
                    [
                        {
                            "type": "message",
                            "user": "U2",
                            "text": "Same here",
                            "ts": "1772442900.000200",
                            "thread_ts": "1772356500.000200",
                            "parent_user_id": "U1",
                        }
                    ]
                ),
            }
        ),
        "@user the map is slow & ugly\n\nSame here",
        "feedback/1772356500.000200",
        "2026-03-01T09:15:00Z",
        {"groundwork.channel": "feedback"},
        skipped=["system message", "system message"],
    ),
    Export(
        "salesforce-report",
        table(
            [
                SALESFORCE,
                row(
                    SALESFORCE,
                    case_number="00001026",
                    subject="Late",
                    description="It came\r\nlate",
                    contact_name=PERSON,
                    date_time_opened="23/10/2025 14:05",
                ),
            ],
            quoting=1,
            lineterminator="\n",
            encoding="cp1252",
        )
        + b'\n"","","","","","","","","",""\n"Grand Totals (1 record)"\n'
        + b'"Confidential Information - Do Not Distribute"\n'
        + '"Copyright © 2000-2026 salesforce.com, inc. All rights reserved."\n'.encode("cp1252"),
        "Late\n\nIt came\r\nlate",
        "00001026",
        "2025-10-23T14:05:00Z",
        skipped=["footer"] * 3,
    ),
    Export(
        "salesforce-export",
        table(
            [
                [
                    "Id",
                    "IsDeleted",
                    "CaseNumber",
                    "ContactId",
                    "SuppliedEmail",
                    "Subject",
                    "Description",
                    "CreatedDate",
                ],
                [
                    "5003000000D8cuIAAR",
                    "0",
                    "00001026",
                    "003x",
                    MAIL,
                    "Late",
                    "It came late",
                    "2026-03-01T10:20:30.000Z",
                ],
            ],
            quoting=1,
        ),
        "Late\n\nIt came late",
        "5003000000D8cuIAAR",
        "2026-03-01T10:20:30Z",
    ),
)
