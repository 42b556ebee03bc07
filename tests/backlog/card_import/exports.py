"""Files as tools export them: their real headers and quirks, rows of our own."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any


def columns(text: str) -> list[str]:
    """Split a header that is written as in its file."""
    return [name.strip() for name in text.split(",")]


GOOGLE_PLAY = columns(
    """Package Name, App Version Code, App Version Name, Reviewer Language, Device, Review Submit Date and Time,
    Review Submit Millis Since Epoch, Review Last Update Date and Time, Review Last Update Millis Since Epoch,
    Star Rating, Review Title, Review Text, Developer Reply Date and Time, Developer Reply Millis Since Epoch,
    Developer Reply Text, Review Link"""
)
ZENDESK = columns(
    """Summation column, Id, Requester, Requester id, Requester external id, Requester email, Requester domain,
    Submitter, Assignee, Group, Subject, Tags, Status, Priority, Via, Ticket type, Created at, Updated at,
    Assigned at, Organization, Due date, Initially assigned at, Solved at, Resolution time, Satisfaction Score,
    Group stations"""
)
FRESHDESK = columns(
    """Ticket ID, Subject, Status, Priority, Source, Type, Agent, Group, Created time, Due by Time, Resolved time,
    Closed time, Last update time, Initial response time, Time tracked, First response time (in hrs),
    Resolution time (in hrs), Agent interactions, Customer interactions, Resolution status,
    First response status, Tags, Survey results, Product, Full name, Contact ID"""
)
USERVOICE = columns(
    """Idea Id, Idea Title, Idea Description, Category Name, Public Status Name, Labels, Voters Count,
    Created Timestamp, Idea Creator Name, Idea Creator Email Address, User Email Address, User Name,
    Linked Idea Creation Date, Forum Name, Moderation State, Public Status Update Message"""
)
JIRA = columns(
    """Summary, Issue key, Issue id, Issue Type, Status, Project key, Project name, Project type, Project lead,
    Priority, Resolution, Assignee, Assignee Id, Reporter, Reporter Id, Creator, Created, Updated, Last Viewed,
    Resolved, Due date, Votes, Labels, Labels, Description, Environment, Watchers, Watchers, Comment, Comment,
    Attachment, Custom field (Story Points), Satisfaction rating, Custom field (Satisfaction date), Sprint,
    Parent"""
)
LINEAR = columns(
    """ID, Team, Title, Description, Status, Estimate, Priority, Project ID, Project, Creator, Assignee, Labels,
    Cycle Number, Cycle Name, Cycle Start, Cycle End, Created, Updated, Started, Triaged, Completed, Canceled,
    Archived, Due Date, Parent issue, Initiatives, Project Milestone ID, Project Milestone, SLA Status, Roadmaps"""
)
GITLAB = columns(
    """Title, Description, Issue ID, URL, State, Author, Author Username, Assignee, Assignee Username, Confidential,
    Locked, Due Date, Created At (UTC), Updated At (UTC), Closed At (UTC), Milestone, Weight, Labels,
    Time Estimate, Time Spent"""
)
ASANA = columns(
    """Task ID, Created At, Completed At, Last Modified, Name, Section/Column, Assignee, Assignee Email, Start Date,
    Due Date, Tags, Notes, Projects, Parent task, Blocked By (Dependencies), Blocking (Dependencies), Severity"""
)
TRUSTPILOT = columns(
    """Domain Url, Webshop Name, Business Unit Id, Review Id, Review Created (UTC), Review Consumer User Id,
    Review Username, Review User Email, Review Title, Review Content, Review Stars, Source Of Review,
    Location Name, Reference Id, Business Reply Date (UTC)"""
)
SALESFORCE = columns(
    """Case Number, Subject, Description, Status, Priority, Case Owner, Account Name, Contact Name,
    Date/Time Opened, Date/Time Closed"""
)
TYPEFORM = [
    "#",
    "What would you\nimprove, if anything?",
    "How likely are you, {{field:name}}, to recommend us?",
    "Your email",
    "Response Type",
    "Start Date (UTC)",
    "Stage Date (UTC)",
    "Submit Date (UTC)",
    "Network ID",
    "Tags",
    "Ending",
]
SURVEYMONKEY = [
    [
        "Respondent ID",
        "Collector ID",
        "Start Date",
        "End Date",
        "IP Address",
        "Email Address",
        "First Name",
        "Last Name",
        "Custom Data 1",
        "<b>What</b> should we change?",
        "Which parts do you use?",
        "",
        "",
    ],
    ["", "", "", "", "", "", "", "", "", "Open-Ended Response", "Planner", "Shop", "Other (please specify)"],
]


def table(rows: Iterable[Sequence[str]], *, delimiter: str = ",", encoding: str = "utf-8", **options: Any) -> bytes:
    """Write a table as a spreadsheet or tool would."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, **options).writerows(rows)
    return out.getvalue().encode(encoding)


def row(header: Sequence[str], **cells: str) -> list[str]:
    """Fill a row by column; names have underscores for what Python's keywords cannot hold."""
    named = {name.lower(): value for name, value in cells.items()}
    return [named.pop("".join(c if c.isalnum() else "_" for c in name).strip("_").lower(), "") for name in header]


def document(value: Any, *, indent: int | None = None) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent).encode()


def archive(**files: bytes) -> bytes:
    return archive_of(files)


def archive_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            # a fixed time: test ids hold the bytes, and must be equal in all workers
            about = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            about.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(about, data)
    return out.getvalue()


def workbook(rows: Iterable[Sequence[Any]], *, before: Sequence[tuple[str, Sequence[Sequence[Any]]]] = ()) -> bytes:
    """Write an xlsx file; `before` are sheets to the left of the one with `rows`."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, others in (*before, ("Responses", rows)):
        sheet = book.create_sheet(name)
        for cells in others:
            sheet.append(list(cells))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def google_play(*rows: list[str]) -> bytes:
    """UTF-16 with BOM, LF, as the console writes it."""
    text = table([GOOGLE_PLAY, *rows], lineterminator="\n").decode()
    return b"\xff\xfe" + text.encode("utf-16-le")


def play_row(review_id: str, text: str, title: str = "", stars: str = "2") -> list[str]:
    return row(
        GOOGLE_PLAY,
        package_name="com.example.ride",
        reviewer_language="de",
        device="akita",
        review_submit_date_and_time="2026-03-01T09:15:00Z",
        review_submit_millis_since_epoch="1772356500000",
        star_rating=stars,
        review_title=title,
        review_text=text,
        review_link=f"http://play.google.com/console/developers/app/user-feedback/review-details?reviewId=gp%3A{review_id}&corpus=PUBLIC_REVIEWS",
    )
