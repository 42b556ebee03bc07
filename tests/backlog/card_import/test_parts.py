"""A file read part by part gives the same rows as one read at once."""

import random
from itertools import pairwise

import pytest

from groundwork.backlog.card_import import importer
from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.importer import Checkpoint, RowReader
from groundwork.backlog.card_import.parameters import Parameters
from tests.backlog.card_import.export import Export
from tests.backlog.card_import.samples_reviews import REVIEWS
from tests.backlog.card_import.samples_support import SUPPORT
from tests.backlog.card_import.samples_surveys import SURVEYS
from tests.backlog.card_import.samples_tables import TABLES
from tests.backlog.card_import.samples_trackers import TRACKERS
from tests.backlog.card_import.test_fuzz import RESUMED

EXPORTS = (*REVIEWS, *SUPPORT, *SURVEYS, *TRACKERS, *TABLES)


def checked(body: bytes, parameters: Parameters, max_rows: int, max_bytes: int = 1_000_000) -> int:
    """Compare both readings; return the number of parts."""
    inspected = importer.inspect(Memory(body), parameters)
    layout, content = inspected.layout, inspected.content
    whole = list(importer.read(inspected))
    start = Checkpoint(layout.start.offset, layout.start.line)
    cuts = list(importer.parts(content, layout, start, max_rows, max_bytes))
    parts = [list(RowReader(content, layout, begin, end.offset)) for begin, end in cuts]
    assert [row for part in parts for row in part] == whole
    assert all(len(part) == end.rows - begin.rows <= max_rows for part, (begin, end) in zip(parts, cuts, strict=True))
    assert all(one[1] == other[0] for one, other in pairwise(cuts))
    # a later hop cuts on from any end
    for number, (_, end) in enumerate(cuts):
        assert next(importer.parts(content, layout, end, max_rows, max_bytes), None) == next(
            iter(cuts[number + 1 :]), None
        )
    return len(cuts)


@pytest.mark.parametrize("export", [pytest.param(one, id=f"{one.name}-{at}") for at, one in enumerate(EXPORTS)])
def test_every_known_export_can_be_cut_between_any_rows(export: Export) -> None:
    assert checked(export.body, Parameters.of(export.query), 1) >= 1


@pytest.mark.parametrize("name", RESUMED)
@pytest.mark.parametrize("max_rows", [1, 2])
def test_every_shape_of_file_can_be_cut_between_any_rows(name: str, max_rows: int) -> None:
    assert checked(RESUMED[name], Parameters(), max_rows) >= 1


@pytest.mark.parametrize("seed", range(20))
def test_stray_quotes_line_breaks_and_blank_rows_are_cut_alike(seed: int) -> None:
    draw = random.Random(seed)
    cells = ['"two\nlines"', '"stray', "plain", '"with ""quotes"""', "", "ü" * 40, '"a,b"']
    rows = [f"{number},{draw.choice(cells)}" if draw.random() < 0.9 else "," for number in range(60)]
    assert checked(("externalId,text\n" + "\n".join(rows)).encode(), Parameters(), draw.choice([1, 4, 31])) >= 1


def test_a_part_ends_with_the_row_that_reaches_the_limit_of_bytes() -> None:
    body = b"text\n" + b"\n".join(b"x" * 400 for _ in range(20))
    assert checked(body, Parameters(), 31, max_bytes=1_000) == 7
