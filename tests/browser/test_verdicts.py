"""A question whose answer is a verdict: two texts, answered by keyboard, without any origin."""

from playwright.sync_api import Response, expect

from prefloop.records import REFERENCE, Comparison, Prompt, Sample
from tests.browser.conftest import NewPerson
from tests.browser.site import MODEL, Site

TEXTS = {MODEL: "She sang, and the sun came out.", REFERENCE: "It was wet, and nobody came."}


def ask_for_verdicts(site: Site, n: int) -> int:
    """Ask which of two models' texts is better, about `n` held-out prompts; return the batch."""
    for number in range(n):
        prompt = Prompt(id=f"v{number}", text=f"Day {number}.", source="here", split="held_out")
        samples = [
            Sample(
                id=f"{model}-{number}",
                prompt_id=prompt.id,
                model=model,
                round=7,
                purpose="evaluation",
                text=text,
                response_ids=(1,),
                is_ended=True,
                logprob=-1.0,
                ref_logprob=None,
            )
            for model, text in TEXTS.items()
        ]
        question = Comparison(
            id=f"verdict-{number}",
            prompt_id=prompt.id,
            sample_ids=tuple(sample.id for sample in samples),
            round=7,
            split="held_out",
            label_type="pairs",
        )
        site.store.add_all(prompts=[prompt], samples=samples, comparisons=[question])
    return site.store.judging.open([f"verdict-{i}" for i in range(n)], answers=1, looks=1)


def test_a_pair_is_judged_by_keyboard_and_nothing_names_a_model(
    new_person: NewPerson, site: Site
) -> None:
    site.store.queue.freeze(7)
    batch = ask_for_verdicts(site, 4)
    site.add("Ben")
    ben = new_person("Ben", comes_back=False)
    responses: list[Response] = []
    ben.page.on("response", lambda response: responses.append(response))
    ben.come_back()
    ben.asked()
    assert sorted(ben.samples) == sorted(TEXTS.values())
    left, first = ben.samples[0], ben.prompt
    source = ben.page.content()
    ben.press("1", "=", "2", "1")
    ben.rests()
    ben.is_saved()
    answers = [answer.label for answer in site.store.judging.answers(batch)]
    assert [label.answer for label in answers] == ["best", "tie", "best", "best"]
    assert answers[0].chosen is not None
    assert (site.text(answers[0].chosen), f"{answers[0].comparison_id[-1]}.") == (left, first[-2:])
    assert site.labels("Ben") == [], "they are no labels"
    bodies = [r.text() for r in responses if "/api/" in r.url or r.url.endswith("/label")]
    assert len(bodies) > 4
    for text in (source, ben.page.content(), *bodies, *(r.url for r in responses)):
        assert not any(name in text for name in (MODEL, REFERENCE, "verdict-", "held_out"))
    expect(ben.page.locator("body")).not_to_contain_text("policy")
