"""Files of feedback for a simulation, with the expected result of each row."""

import gzip
from dataclasses import dataclass
from functools import cached_property
from random import Random


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a card if its text is not empty."""

    external_id: str
    text: str

    @property
    def is_card(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True)
class FeedbackFile:
    """A file: `lines` is the CSV, `body` the object, compressed or not.

    `by_content`: equal texts are duplicates.
    """

    rows: tuple[Row, ...]
    lines: bytes
    body: bytes
    by_content: bool

    @property
    def header_bytes(self) -> int:
        return self.lines.index(b"\n") + 1

    @property
    def bad(self) -> list[int]:
        """Return the numbers of the rows without a card."""
        return [number for number, row in enumerate(self.rows, 1) if not row.is_card]

    @cached_property
    def texts(self) -> dict[str, set[str]]:
        """Return the texts of each external id."""
        found: dict[str, set[str]] = {}
        for row in self.rows:
            if row.is_card:
                found.setdefault(row.external_id, set()).add(row.text)
        return found


def drawn(random: Random, count: int, name: str) -> FeedbackFile:
    """Draw a file with repeated ids and texts, rows without text, and line breaks within cells."""
    rows: list[Row] = []
    lines = [b"externalId,text\n"]
    for number in range(1, count + 1):
        row = _row(random, rows, f"{name}{number}")
        rows.append(row)
        cell = f'"{row.text}"' if "\n" in row.text else row.text
        lines.append(f"{row.external_id},{cell}\n".encode())
        if random.random() < 0.05:
            lines.append(b",\n")
    whole = b"".join(lines)
    return FeedbackFile(
        tuple(rows), whole, gzip.compress(whole, mtime=0) if random.random() < 0.3 else whole, random.random() < 0.5
    )


def _row(random: Random, earlier: list[Row], external_id: str) -> Row:
    chance = random.random()
    if earlier and chance < 0.15:
        # an idea with many voters has a row for each
        return Row(random.choice(earlier[-40:]).external_id, f"Another voter {external_id} of the same idea")
    if earlier and chance < 0.25:
        return Row(external_id, random.choice(earlier[-40:]).text)
    if chance < 0.35:
        return Row(external_id, "")
    text = f"Feedback {external_id} is about the map"
    return Row(external_id, f"{text}\nand its colours" if chance > 0.8 else text)
