"""A person before the labeling page: what they do, and what they see."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser.site import Site


@dataclass
class Person:
    """Somebody with a browser window."""

    page: Page
    site: Site
    name: str

    def enter(self, *, reads: bool = True) -> None:
        """Log in with a code, and read the instructions."""
        self.page.goto(f"{self.site.address}/login")
        self.page.get_by_label("Your code").fill(self.site.code(self.name))
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/label")
        if reads:
            self.page.get_by_role("button", name="I have read them").click()
            self.asked()

    def come_back(self) -> None:
        """Be logged in and have read the instructions, as somebody who was here before."""
        entered = self.site.store.access.log_in_with_code(self.site.code(self.name))
        assert entered is not None
        cookie = {"name": "prefloop_session", "value": entered[0], "url": self.site.address}
        self.page.context.add_cookies([cookie])  # type: ignore[list-item]
        version = self.site.store.instructions.current().version
        self.site.store.instructions.acknowledge(self.site.people[self.name], version)
        self.page.goto(f"{self.site.address}/label")

    def asked(self) -> None:
        """Wait until a question can be answered."""
        expect(self.page.locator("body")).to_have_attribute("data-state", "asking")

    def has_more(self) -> None:
        """Wait until the next two questions are there as well: nothing is being asked for."""
        self.asked()
        self.page.wait_for_load_state("networkidle")

    def rests(self) -> None:
        """Wait until no question is left."""
        expect(self.page.locator("body")).to_have_attribute("data-state", "resting")

    def press(self, *keys: str) -> None:
        """Press keys, each at a question that can be answered."""
        for key in keys:
            self.asked()
            self.page.keyboard.press(key)

    @property
    def prompt(self) -> str:
        """The prompt on the page."""
        return self.page.locator("#prompt").inner_text()

    @property
    def samples(self) -> list[str]:
        """The texts of the samples, in the order on the page."""
        return [text.strip() for text in self.page.locator(".sample .text").all_inner_texts()]

    @property
    def saved(self) -> Locator:
        """The word on what is saved."""
        return self.page.locator("#saved")

    def is_saved(self) -> None:
        """Wait until the page says that everything is saved."""
        expect(self.saved).to_have_attribute("data-state", "saved")
        expect(self.saved).to_have_text("Saved")

    def waits(self, n: int) -> None:
        """Wait until the page says that so many answers are on their way."""
        expect(self.saved).to_contain_text(f"{n} waiting")

    def button(self, name: str) -> Locator:
        """A button of the bar below the question."""
        return self.page.locator("#actions").get_by_role("button", name=name)
