"""Exports of survey tools: real headers, rows of our own."""

from tests.backlog.card_import.export import MAIL, PERSON, Export
from tests.backlog.card_import.exports import SURVEYMONKEY, TYPEFORM, archive_of, document, table, workbook

SURVEYS: tuple[Export, ...] = (
    Export(
        "typeform",
        table(
            [
                TYPEFORM,
                [
                    "m5lz9",
                    "The planner, it is too slow for long tours",
                    "7",
                    MAIL,
                    "completed",
                    "2026-03-01 10:00:00",
                    "",
                    "2026-03-01 10:20:30",
                    "n1",
                    "",
                    "",
                ],
            ]
        ),
        "The planner, it is too slow for long tours",
        "m5lz9",
        "2026-03-01T10:20:30Z",
        {"How likely are you, {{field:name}}, to recommend us?": "7", "Response Type": "completed"},
    ),
    Export(
        "surveymonkey",
        archive_of(
            {
                "CSV/Sheet_1.csv": table(
                    [
                        *SURVEYMONKEY,
                        [
                            "114000000001",
                            "4",
                            "03/13/2026 10:00:00",
                            "03/13/2026 10:20:30",
                            "10.1.1.1",
                            MAIL,
                            "Zoe",
                            "Quill",
                            "",
                            "Please make the search faster",
                            "Planner",
                            "",
                            "",
                        ],
                    ]
                )
            }
        ),
        "Please make the search faster",
        "114000000001",
        "2026-03-13T10:20:30Z",
        {"Which parts do you use?: Planner": "Planner"},
    ),
    Export(
        "google-forms",
        archive_of(
            {
                "Feedback.csv": table(
                    [
                        ["Marca temporal", "Dirección de correo electrónico", "¿Qué mejorarías?", "¿Nos recomiendas?"],
                        ["2026/03/01 10:20:30 AM GMT+1", MAIL, "La búsqueda es lenta y confusa", "Sí"],
                        ["2026/03/01 10:21:30 p. m. GMT+1", MAIL, "Todo", "No"],
                    ],
                    quoting=1,
                )
            }
        ),
        "La búsqueda es lenta y confusa",
        "sha256",
        "2026-03-01T09:20:30Z",
        {"¿Nos recomiendas?": "Sí"},
        cards=2,
    ),
    Export(
        "microsoft-forms",
        workbook(
            [
                ["ID", "Start time", "Completion time", "Email", "Name", "What should we improve?"],
                [1, "3/13/26 9:00:00", "3/13/26 9:05:00", MAIL, PERSON, "The search should be faster"],
            ]
        ),
        "The search should be faster",
        "sha256",
        "2026-03-13T09:05:00Z",
    ),
    Export(
        "qualtrics",
        table(
            [
                [
                    "StartDate",
                    "EndDate",
                    "Status",
                    "IPAddress",
                    "Progress",
                    "Finished",
                    "RecordedDate",
                    "ResponseId",
                    "RecipientEmail",
                    "Q1",
                    "Q2_1_TEXT",
                ],
                [
                    "Start Date",
                    "End Date",
                    "Response Type",
                    "IP Address",
                    "Progress",
                    "Finished",
                    "Recorded Date",
                    "Response ID",
                    "Recipient Email",
                    "What should we improve?",
                    "Anything else?",
                ],
                *[[f'{{"ImportId":"{name}","timeZone":"UTC"}}' for name in "abcdefghijk"]],
                [
                    "2026-03-01 10:00:00",
                    "2026-03-01 10:05:00",
                    "IP Address",
                    "10.1.1.1",
                    "100",
                    "True",
                    "2026-03-01 10:05:01",
                    "R_1abc",
                    MAIL,
                    "The search should be much faster",
                    "No, thanks, it is all good",
                ],
            ]
        ),
        "What should we improve?\nThe search should be much faster\n\nAnything else?\nNo, thanks, it is all good",
        "R_1abc",
        "2026-03-01T10:05:01Z",
    ),
    Export(
        "hotjar",
        b"\n".join(
            document(
                {
                    "event": "feedback_response",
                    "version": 1,
                    "data": {
                        "id": 5 + at,
                        "message": "I cannot find it",
                        "emotion": 2,
                        "user_id": "u",
                        "email": MAIL,
                        "created_at": "2026-03-01T10:20:30Z",
                    },
                }
            )
            for at in (0, 1)
        ),
        "I cannot find it",
        "5",
        "2026-03-01T10:20:30Z",
        {"data.emotion": 2},
        cards=2,
    ),
    Export(
        "delighted",
        document(
            [
                {
                    "id": "5435",
                    "person": {"id": "1", "email": MAIL, "name": PERSON},
                    "survey_type": "nps",
                    "score": 3,
                    "comment": "Too dear",
                    "permalink": "https://d.io/r/1",
                    "created_at": 1772356500,
                    "updated_at": 1772356500,
                    "person_properties": {"Delighted Source": "Email"},
                    "notes": [],
                    "tags": [],
                    "additional_answers": [],
                },
                {
                    "id": "5436",
                    "person": {"id": "2"},
                    "survey_type": "nps",
                    "score": 9,
                    "comment": None,
                    "permalink": "https://d.io/r/2",
                    "created_at": 1772356500,
                    "person_properties": {},
                    "notes": [],
                    "tags": [],
                    "additional_answers": [],
                },
            ]
        ),
        "Too dear",
        "5435",
        "2026-03-01T09:15:00Z",
        {"score": 3},
        skipped=["has no text"],
    ),
)
