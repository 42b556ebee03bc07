"""Exports of review sites and forums: real headers, rows of our own."""

from tests.backlog.card_import.export import MAIL, PERSON, Export
from tests.backlog.card_import.exports import TRUSTPILOT, document, google_play, play_row, row, table, workbook

REVIEWS: tuple[Export, ...] = (
    Export(
        "google-play",
        google_play(play_row("AOqpTO1", "Stürzt ab, immer\nwieder", "Schade"), play_row("AOqpTO2", "")),
        "Schade\n\nStürzt ab, immer\nwieder",
        "gp:AOqpTO1",
        "2026-03-01T09:15:00Z",
        {"Star Rating": "2", "Device": "akita"},
        skipped=["has no text"],
    ),
    Export(
        "google-play-api",
        document(
            {
                "reviews": [
                    {
                        "reviewId": "r-1",
                        "authorName": PERSON,
                        "comments": [
                            {
                                "userComment": {
                                    "text": "Too slow",
                                    "originalText": "Zu langsam",
                                    "lastModified": {"seconds": "1772356500", "nanos": 5},
                                    "starRating": 2,
                                    "reviewerLanguage": "de",
                                }
                            }
                        ],
                    }
                ],
                "tokenPagination": {"nextPageToken": "x"},
            }
        ),
        "Zu langsam",
        "r-1",
        "2026-03-01T09:15:00Z",
        {"comments.userComment.starRating": 2},
    ),
    Export(
        "app-store-connect",
        document(
            {
                "data": [
                    {
                        "type": "customerReviews",
                        "id": "00000012-ab",
                        "attributes": {
                            "rating": 1,
                            "title": "No sync",
                            "body": "It never syncs.",
                            "reviewerNickname": PERSON,
                            "createdDate": "2026-02-03T04:05:06-08:00",
                            "territory": "USA",
                        },
                        "relationships": {
                            "response": {"links": {"self": "https://api.appstoreconnect.apple.com/v1/x"}}
                        },
                    }
                ],
                "links": {"self": "s", "next": "n"},
                "meta": {"paging": {"total": 1, "limit": 20}},
            },
            indent=2,
        ),
        "No sync\n\nIt never syncs.",
        "00000012-ab",
        "2026-02-03T12:05:06Z",
        {"attributes.territory": "USA"},
    ),
    Export(
        "app-store-rss",
        document(
            {
                "feed": {
                    "author": {"name": {"label": "iTunes Store"}},
                    "entry": [
                        {
                            "im:name": {"label": "Ride"},
                            "id": {"label": "https://apps.apple.com/x"},
                            "title": {"label": "Ride - Acme"},
                        },
                        {
                            "author": {
                                "uri": {"label": "https://itunes/reviews/id1"},
                                "name": {"label": PERSON},
                                "label": "",
                            },
                            "updated": {"label": "2026-02-03T04:05:06-07:00"},
                            "im:rating": {"label": "5"},
                            "im:version": {"label": "4.2"},
                            "id": {"label": "1234567890"},
                            "title": {"label": "Great"},
                            "content": {"label": "Works well.", "attributes": {"type": "text"}},
                            "im:voteCount": {"label": "0"},
                        },
                    ],
                    "updated": {"label": "2026"},
                }
            }
        ),
        "Great\n\nWorks well.",
        "1234567890",
        "2026-02-03T11:05:06Z",
        {"im:rating": "5"},
        skipped=["is about the app itself"],
    ),
    Export(
        "g2",
        table(
            [
                [
                    "Review ID",
                    "Product Name",
                    "What do you like best about Ride?",
                    "What do you dislike about Ride?",
                    "Star Rating",
                    "Reviewer Name",
                    "Submitted At",
                ],
                ["991", "Ride", "The maps", "The price", "4.5", PERSON, "2026-03-01"],
            ]
        ),
        "What do you like best about Ride?\nThe maps\n\nWhat do you dislike about Ride?\nThe price",
        "991",
        "2026-03-01T00:00:00Z",
        {"Star Rating": "4.5"},
    ),
    Export(
        "trustpilot",
        workbook(
            [
                TRUSTPILOT,
                row(
                    TRUSTPILOT,
                    review_id="62b",
                    review_created__utc="2026-03-01 10:20:30",
                    review_username=PERSON,
                    review_user_email=MAIL,
                    review_title="Late",
                    review_content="Came late",
                    review_stars="2",
                ),
            ]
        ),
        "Late\n\nCame late",
        "62b",
        "2026-03-01T10:20:30Z",
        {"Review Stars": "2"},
    ),
    Export(
        "capterra",
        table(
            [
                ["Review ID", "Review Title", "Pros", "Cons", "Overall Rating", "Reviewer", "Review Date"],
                ["c1", "Fine", "Fast", "Dear", "4", PERSON, "2026-03-01"],
            ]
        ),
        "Fine\n\nPros\nFast\n\nCons\nDear",
        "c1",
        "2026-03-01T00:00:00Z",
    ),
    Export(
        "reddit",
        document(
            {
                "kind": "Listing",
                "data": {
                    "after": "t3_x",
                    "children": [
                        {
                            "kind": "t3",
                            "data": {
                                "name": "t3_1",
                                "id": "1",
                                "title": "Map &amp; list",
                                "selftext": "are slow",
                                "author": PERSON,
                                "created_utc": 1772356500.0,
                                "permalink": "/r/x/1",
                                "score": 4,
                                "num_comments": 1,
                                "subreddit": "ride",
                            },
                        },
                        {
                            "kind": "t3",
                            "data": {
                                "name": "t3_2",
                                "id": "2",
                                "title": "Gone",
                                "selftext": "[removed]",
                                "author": "[deleted]",
                                "created_utc": 1772356500.0,
                            },
                        },
                        {
                            "kind": "t1",
                            "data": {"name": "t1_3", "body": "Agreed", "author": PERSON, "created_utc": 1772356501.0},
                        },
                    ],
                },
            }
        ),
        "Map & list\n\nare slow",
        "t3_1",
        "2026-03-01T09:15:00Z",
        {"data.score": 4},
        cards=2,
        skipped=["deleted or removed post"],
    ),
)
