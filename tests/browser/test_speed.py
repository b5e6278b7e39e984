"""A bound that holds on a busy machine; `bench/labeling_page.py` has the real figures."""

from bench.labeling_page import first_page, key_to_paint
from tests.browser.conftest import NewPerson
from tests.browser.site import Site

KEY_TO_PAINT_MS = 1_000
FIRST_PAGE_BYTES = 100_000


def test_the_next_question_is_there_when_a_key_was_pressed(
    new_person: NewPerson, site: Site
) -> None:
    ann = new_person("Ann")
    ann.has_more()
    times = [key_to_paint(ann.page) for _ in range(8)]
    assert sorted(times)[len(times) // 2] < KEY_TO_PAINT_MS, times


def test_the_first_page_is_small_and_comes_from_here(new_person: NewPerson, site: Site) -> None:
    ann = new_person("Ann", comes_back=False)
    seen: list[str] = []
    ann.page.on("request", lambda request: seen.append(request.url))
    ann.come_back()
    ann.asked()
    n_bytes, _ = first_page(ann.page)
    assert 0 < n_bytes < FIRST_PAGE_BYTES
    assert all(url.startswith(site.address) for url in seen)
