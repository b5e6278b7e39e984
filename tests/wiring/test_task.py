"""Settings of `task` change queries, responses, what of them counts, and what labelers see."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.comparisons.questions import Question
from prefloop.records import REFERENCE, Comparison, Prompt, Sample
from prefloop.run.stages import Stages
from prefloop.settings.task_presets import preset_names
from tests.models_for_tests import save_llama
from tests.tokenizers_for_tests import save_chat
from tests.wiring.runs import STOP, assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, covers, run_with

PROMPTS, QUERY, REWARD_INPUT = "prompts", "the policy's query", "the reward model's input"
RESPONSES, LOGPROBS, REFERENCE_LOGPROBS = "responses", "log-probabilities", "the reference's"
ENDED, COUNTED, SHOWN = "which have ended", "tokens that count", "text that labelers see"
QUESTION, INSTRUCTIONS, VERSION = "question", "instructions", "version of the instructions"
LABEL = "version in a label"

DRAWN = {RESPONSES, LOGPROBS, REFERENCE_LOGPROBS}
STOPPED = {REWARD_INPUT, ENDED, COUNTED, SHOWN}

WIRES = [
    Wire(setting="task.question", value="Which is best?", changes={QUESTION}),
    Wire(setting="task.instructions", value="Choose.", changes={INSTRUCTIONS}),
    Wire(setting="task.instructions_version", value="7", changes={VERSION, LABEL}),
    Wire(setting="task.prefix", value="Q: ", changes={QUERY, *DRAWN}),
    Wire(setting="task.suffix", value=" A:", changes={QUERY, *DRAWN}),
    Wire(setting="task.query_tokens_min", value=30, changes={PROMPTS}),
    Wire(setting="task.query_tokens_max", value=30, changes={PROMPTS}),
    Wire(setting="task.start_after", value=",", changes={PROMPTS}),
    Wire(setting="task.end_at", value=",", changes={PROMPTS}),
    Wire(setting="task.response_tokens", value=9, changes=DRAWN),
    Wire(setting="task.temperature", value=1.3, changes=DRAWN),
    Wire(setting="task.stop", value="s", changes={*DRAWN, *STOPPED}),
    Wire(setting="samples.stop_match", value="text", changes={*DRAWN, *STOPPED} - {ENDED}),
    Wire(setting="task.stop_min", value=3, changes={*DRAWN, *STOPPED}),
]
ASKED = Prompt(id="asked", text="The sun was warm.", source="test", split="train")


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled(settings, folder) as stages:
        store, sampler, roles = (
            stages.monitor.store,
            stages.drawer.sampler,
            stages.policy.trainer.collector.roles,
        )
        prompts = [p.text for p in stages.prompts.values()]
        store.add_prompts([ASKED])
        encode = sampler.tokenizer.encode
        fixed = [60, *encode(" the"), *encode(STOP), 61, *encode("s"), 63]
        drawn = sampler.sample(roles.policy, [ASKED], per_prompt=8, seed=1)
        stop_mask = sampler.stop_rule.apply(torch.tensor([fixed, [60, *encode(STOP), *fixed[:4]]]))
        evaluated = stages.drawer.draw(
            [ASKED], model=REFERENCE, round=0, purpose="evaluation", per_prompt=8
        )
        stages.people.ask(0, [])
        instructions = store.instructions.current()
        return {
            PROMPTS: prompts,
            QUERY: sampler.query_ids(ASKED),
            REWARD_INPUT: sampler.reward_ids(ASKED.text, fixed),
            RESPONSES: drawn.generation.response.tolist(),
            LOGPROBS: drawn.generation.logprobs.tolist(),
            REFERENCE_LOGPROBS: [sample.ref_logprob for sample in evaluated],
            ENDED: stop_mask.is_ended.tolist(),
            COUNTED: sampler.loss_mask(stop_mask).tolist(),
            SHOWN: sampler.text_of(fixed),
            QUESTION: instructions.question,
            INSTRUCTIONS: instructions.text,
            VERSION: instructions.version,
            LABEL: label_of(stages, evaluated),
        }


def label_of(stages: Stages, samples: list[Sample]) -> str:
    """Return the version of the instructions in a synthetic label."""
    ids = tuple(sample.id for sample in samples[:2])
    comparison = Comparison(id="c", prompt_id=ASKED.id, sample_ids=ids, round=0, split="train")
    question = Question(comparison=comparison, prompt=ASKED, samples=tuple(samples[:2]))
    labelers = build_labelers(stages.config)
    return next(iter(labelers.values())).answer(question).instructions


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


@covers("task.name")
def test_the_name_is_the_preset_that_everything_else_starts_from(observer: Observer) -> None:
    synthetic = {"comparisons__synthetic__scorers": {"length": 1.0}}  # custom has none of its own
    asked = {
        name: observer.observe(observe, task__name=name, **synthetic)[QUESTION]
        for name in preset_names()
    }
    assert len(set(asked.values())) == len(asked) > 3
    people = {"comparisons.labelers": "people"}
    assert asked == {name: run_with({"task": name, **people}).task.question for name in asked}


@covers("task.chat.on", "task.chat.system")
def test_a_chat_changes_what_is_read_and_where_a_response_ends(
    base: Settings, new_folder: Callable[[], Path], tmp_path: Path
) -> None:
    fast = save_chat(tmp_path)
    save_llama(tmp_path, tokenizer=fast)
    read = []
    choices: list[Any] = [False, True, {"system": "Be kind."}]
    for choice in choices:
        settings = {k: v for k, v in base.items() if not k.startswith("task.stop")}
        settings |= {"models.name": str(tmp_path), "task.chat": choice}
        settings |= {} if choice else {"task.stop": ".", "task.stop_min": 0}
        with assembled(settings, new_folder()) as stages:
            sampler = stages.drawer.sampler
            query = sampler.query_ids(ASKED)
            assert sampler.reward_ids(ASKED.text, [60]) == [*query, 60]
            read.append((fast.decode(query), sampler.queries.end_ids))
    plain, chat, told = read
    assert plain == (ASKED.text, ())
    assert f"user\n{ASKED.text}<|im_end|>" in chat[0]
    assert told[0] == "<|im_start|>system\nBe kind.<|im_end|>\n" + chat[0]
    assert chat[1] == told[1] == (fast.convert_tokens_to_ids("<|im_end|>"), fast.eos_token_id)


def test_without_a_stop_token_every_response_has_ended(observer: Observer) -> None:
    seen = observer.observe(observe, task__stop=None)
    assert seen[ENDED] == [True, True] and all(map(all, seen[COUNTED]))


def test_policy_and_reference_are_read_at_the_temperature_of_sampling(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    """Before training they are one model: at any other temperature their KL would not be 0."""
    for temperature in (0.6, 1.5):
        with assembled({**base, "task.temperature": temperature}, new_folder()) as stages:
            stages.monitor.store.add_prompts([ASKED])
            samples = stages.drawer.draw(
                [ASKED], model="policy/update-0", round=0, purpose="evaluation", per_prompt=8
            )
        own, reference = ([getattr(s, n) for s in samples] for n in ("logprob", "ref_logprob"))
        assert own == pytest.approx(reference, abs=1e-3)
