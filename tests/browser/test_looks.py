"""What a screen must look like where it once did not: headings of dialogs, help, columns."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.person import Person
from tests.browser.site import Site


def as_owner(browser: Browser, site: Site, path: str, width: int) -> Page:
    """Open one of the owner's pages."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    entered = site.store.access.log_in_with_code(site.code("olga"))
    assert entered is not None
    cookie = {"name": "prefloop_session", "value": entered[0], "url": site.address}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(f"{site.address}{path}")
    return page


def test_a_dialogs_heading_is_no_section_of_the_page(browser: Browser, site: Site) -> None:
    page = as_owner(browser, site, "/dashboard", 1280)
    above = "(heading) => getComputedStyle(heading).borderTopWidth"
    assert page.locator("dialog h2").first.evaluate(above) == "0px"
    assert page.locator("#policy-title").evaluate(above) == "1px"
    page.context.close()


def test_at_768_pixels_charts_stand_side_by_side(browser: Browser, site: Site) -> None:
    columns = "(charts) => getComputedStyle(charts).gridTemplateColumns.split(' ').length"
    for width, n in ((768, 2), (390, 1)):
        page = as_owner(browser, site, "/dashboard", width)
        charts = page.locator(".charts").first
        expect(charts).to_be_visible()
        assert charts.evaluate(columns) == n
        page.context.close()


def test_help_fits_any_screen_and_scrolls_to_its_end(ann: Person) -> None:
    page = ann.page
    for width, height in ((320, 480), (768, 500), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        page.keyboard.press("?")
        help_ = page.locator("#help-dialog")
        box = help_.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["y"] >= 0
        assert box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
        end = help_.get_by_role("button", name="Close")
        end.scroll_into_view_if_needed()
        expect(end).to_be_in_viewport(ratio=1)
        end.click()
