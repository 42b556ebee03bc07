"""What holds for every page: nobody is shut out, it fits a phone, it is there soon."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Comes
from tests.browser.furnished import PAGES, Furnished, furnished
from tests.browser.person import PHONE

BUDGET = 250_000
"""Bytes of JavaScript, compressed, until a page is there."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    with furnished(tmp_path_factory.mktemp("repositories")) as running:
        yield running


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_wrong_with_a_page_in_light_or_in_dark(system: Furnished, comes: Comes, name: str) -> None:
    person = comes(system.system.url, system.system.token)
    person.opens(system.pages[name])
    found = {}
    for colors in ("light", "dark"):
        person.prefers(colors)
        found[colors] = person.barriers()
    assert found == {"light": [], "dark": []}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_s_width(system: Furnished, comes: Comes, name: str) -> None:
    person = comes(system.system.url, system.system.token, size=PHONE)
    person.opens(system.pages[name])
    assert person.overflow() == []


@pytest.mark.parametrize("name", PAGES)
def test_the_first_load_of_a_page_stays_within_the_budget(system: Furnished, comes: Comes, name: str) -> None:
    person = comes(system.system.url, system.system.token)
    sizes: dict[str, int] = {}
    person.page.on(
        "requestfinished",
        lambda request: (
            sizes.update({request.url: request.sizes()["responseBodySize"]}) if request.url.endswith(".js") else None
        ),
    )
    person.opens(system.pages[name])
    assert sizes
    assert sum(sizes.values()) < BUDGET, sizes
