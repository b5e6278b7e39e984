"""Run files and overrides: every problem told at once, numbers read as numbers."""

from pathlib import Path

import pytest
import yaml

from prefloop.errors import InputError, SettingsError
from prefloop.run_file import (
    RunFileLoader,
    as_yaml,
    load_run_as_made,
    load_run_file,
    parse_run,
    recorded_run,
)


def written(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-5", 1e-5), ("2E+3", 2000.0), ("1.5e-4", 1.5e-4), ("-1e-2", -0.01), ("0.1", 0.1)],
)
def test_numbers_with_an_exponent_are_numbers(tmp_path: Path, text: str, number: float) -> None:
    read = yaml.load(text, Loader=RunFileLoader)
    assert read == number and isinstance(read, float)
    if number > 0:
        assert load_run_file(written(tmp_path, f"policy: {{lr: {text}}}")).policy.lr == number
        assert load_run_file(written(tmp_path, "{}"), [f"policy.lr={text}"]).policy.lr == number
    assert yaml.load("1e", Loader=RunFileLoader) == "1e"
    assert yaml.load("e5", Loader=RunFileLoader) == "e5"


def test_overrides_win_over_the_file_at_any_depth(tmp_path: Path) -> None:
    path = written(tmp_path, "task: descriptiveness\npolicy: {kl: {coef: 0.5, target: 3.0}}")
    overrides = ["policy.kl.coef=0.25", "seed=7", "task.stop=null", "models.name=gpt2"]
    run = load_run_file(path, overrides)
    assert (run.policy.kl.coef, run.policy.kl.target, run.seed) == (0.25, 3.0, 7)
    assert (run.task.name, run.task.stop, run.models.name) == ("descriptiveness", None, "gpt2")


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("policy.lr", "is not an override. Write section.key=value"),
        ("=3", "is not an override"),
        ("seed.deep=3", "seed is no section"),
        ("policy.lr=[", "'\\[' is no YAML value"),
        ("policy.lrr=1e-4", "Did you mean lr"),
    ],
)
def test_an_override_that_means_nothing_is_told(tmp_path: Path, override: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_run_file(written(tmp_path, "seed: 1"), [override])


def test_every_problem_is_told_at_once() -> None:
    raw = {
        "seed": -1,
        "polcy": {},
        "policy": {"lr": "fast", "kl": {"cof": 1.0}},
        "task": {"name": "sentiment", "stopp": 1, "response_tokens": 0},
        "samples": {"after_stop": "maybe"},
    }
    with pytest.raises(SettingsError) as caught:
        parse_run(raw, "run.yaml")
    told = str(caught.value)
    assert told.startswith("run.yaml has 7 problems:")
    for place in (
        "seed",
        "polcy",
        "policy.lr",
        "policy.kl.cof",
        "task.stopp",
        "task.response_tokens",
        "samples.after_stop",
    ):
        assert f"\n  - {place}: " in told


def test_settings_of_a_section_that_contradict_each_other_are_told_line_by_line() -> None:
    kl = {"coef": 0.0, "horizon": 1.5, "cap": 1.0}
    with pytest.raises(SettingsError) as caught:
        parse_run({"policy": {"batch_size": 8, "minibatches": 3, "kl": kl}}, "run.yaml")
    heading, *lines = str(caught.value).splitlines()
    assert heading == "run.yaml has 4 problems:"
    subjects = ("minibatches 3", "kl.coef 0", "kl.horizon 1.5", "kl.cap 1")
    for line, subject in zip(lines, subjects, strict=True):
        assert line.startswith(f"  - policy: {subject} ")


@pytest.mark.parametrize(
    "raw",
    [
        {"policy": {"kl": {"control": "fixed", "coef": 0.0, "cap": 1.0, "horizon": 1.0}}},
        {"comparisons": {"labelers": "people", "overlap": 40, "synthetic": {"labelers": 1}}},
        {"comparisons": {"validation_labels": 0, "synthetic": {"labelers": 1}}},
        {"prompts": {"validation_share": 0.0}, "policy": {"reward": "length"}},
        {
            "rewards": {
                "normalize_samples": 1,
                "normalize_before": False,
                "normalize_after": False,
            }
        },
        {"evaluation": {"frontier_prompts": 0, "frontier_samples": 1}},
    ],
)
def test_what_is_not_used_contradicts_nothing(raw: dict[str, object]) -> None:
    parse_run(raw, "run.yaml")


@pytest.mark.parametrize(
    ("episodes", "batch_size", "expected"),
    [(1024, 64, 1024 / 7), (3906 * 512, 512, 5120.0), (64, 64, 64.0), (896, 64, 128.0)],
)
def test_the_controllers_horizon_suits_the_length_of_the_run(
    episodes: int, batch_size: int, expected: float
) -> None:
    """With 2019's 10,000 episodes, sixteen updates of 64 could move the coefficient by 2 %."""
    raw = {"policy": {"episodes": episodes, "batch_size": batch_size}}
    policy = parse_run(raw, "run.yaml").policy
    assert policy.kl_horizon == pytest.approx(expected)
    most = (1 + 0.2 * batch_size / policy.kl_horizon) ** policy.updates
    assert most > (3.5 if episodes > 64 else 1.1)
    raw["policy"]["kl"] = {"horizon": 500.0}  # type: ignore[assignment]
    assert parse_run(raw, "run.yaml").policy.kl_horizon == 500.0


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"samples": {"per_prompt": 9}}, r"samples\.per_prompt is 9; a comparison shows 2 to 8"),
        ({"samples": {"per_prompt": 1}}, r"samples\.per_prompt is 1"),
        ({"rounds": 99}, r"fewer than one for each of 99 rounds"),
        ({"rounds": 3, "comparisons": {"labels": 2}}, r"labels 2 is less than rounds 3"),
        ({"prompts": {"held_out_share": 0.0}}, r"held_out_share 0 leaves the judge no prompts"),
        ({"evaluation": {"judges": ["sentiment"]}}, r"'sentiment' is no independent judge"),
        (
            {"policy": {"reward": "lexicon"}},
            r"'lexicon' is no independent judge: policy.reward rests on the same",
        ),
        (
            {"rewards": {"hold_out": ["lexicon"]}},
            r"'lexicon' is no independent judge: labels or rewards.hold_out rest on the same",
        ),
        ({"rewards": {"hold_out": ["copyng"]}}, r"rewards\.hold_out: .*did you mean 'copying'"),
        (
            {"policy": {"reward": "length"}, "rewards": {"hold_out": ["copying"]}},
            r"hold_out \['copying'\] .* and policy\.reward is the scorer 'length'",
        ),
        ({"policy": {"reward": "sentimnt"}}, r"policy\.reward: .*did you mean 'sentiment'"),
        ({"evaluation": {"judges": ["nobody"]}}, r"judge 'nobody' is not known"),
        ({"evaluation": {"models": ["reference"]}}, r"evaluation: models names reference, which"),
        (
            {"comparisons": {"synthetic": {"scorers": {"sentimnt": 1.0}}}},
            r"did you mean 'sentiment'",
        ),
        (
            {"comparisons": {"people": {"gold_share": 0.6, "retest_share": 0.4}}},
            r"gold_share 0\.6 and retest_share 0\.4 leave no room for new questions",
        ),
        ({"comparisons": {"people": {"key": "k.pem"}}}, r"certificate and key are given together"),
        ({"comparisons": {"people": {"port": 70000}}}, r"people\.port: .* got 70000"),
        ({"comparisons": {"wait": "never"}}, r"comparisons\.wait: .* got 'never'"),
        ({"policy": {"minibatches": 7}}, r"policy: minibatches 7 does not divide batch_size 64"),
        ({"policy": {"episodes": 5}}, r"policy: episodes 5 is less than one rollout"),
        ({"policy": {"episodes": 100}}, r"episodes 100 does not fill .*; write 64 or 128"),
        *(
            ({"policy": {"kl": {key: number}}}, rf"kl\.{key}: .* finite number; got {number}")
            for key in ("coef", "target", "horizon", "cap")
            for number in (float("inf"), float("nan"))
        ),
        ({"rewards": {"lr": float("inf")}}, r"rewards\.lr: .* finite number; got inf"),
        (
            {"policy": {"kl": {"horizon": 12.8}}},
            r"policy: kl\.horizon 12\.8 would let one update .* must be more than 12\.8; null",
        ),
        (
            {"policy": {"kl": {"control": "adaptive", "coef": 0.0}}},
            r"policy: kl\.coef 0 stays 0 under kl\.control adaptive",
        ),
        (
            {"policy": {"kl": {"control": "adaptive", "cap": 6.0}}},
            r"policy: kl\.cap 6 keeps the KL from kl\.target 6",
        ),
        (
            {"comparisons": {"overlap": 11}},
            r"comparisons: overlap 11 asks 11 different labelers .* synthetic\.labelers is 10",
        ),
        (
            {"comparisons": {"synthetic": {"labelers": 1}}},
            r"comparisons: validation_overlap 2 asks 2 different labelers",
        ),
        (
            {"comparisons": {"synthetic": {"scorers": {"sentiment": 0.0, "length": 0.0}}}},
            r"synthetic\.scorers: every weight is 0, so the labelers would like nothing",
        ),
        (
            {"prompts": {"held_out_share": 0.5, "validation_share": 0.5}},
            r"prompts: held_out_share 0\.5 and validation_share 0\.5 leave no prompts to train on",
        ),
        (
            {"prompts": {"validation_share": 0.0}},
            r"validation_share 0 leaves no prompts for the 100 comparisons\.validation_labels",
        ),
        ({"rewards": {"normalize_samples": 1}}, r"rewards: normalize_samples 1 has no spread"),
        (
            {"evaluation": {"frontier_samples": 1}},
            r"evaluation: frontier_samples 1 cannot be weigh",
        ),
        ({"task": {"name": "sentiment", "stop_min": 24}}, r"stop_min 24 leaves no room"),
        ({"task": {"name": "sentimnt"}}, r"Did you mean sentiment"),
        ({"task": None}, r"task must be a preset's name or a section with one; got None"),
        ({1: 2}, r"1: Keys should be strings"),
        ({"policy": None}, r"policy: .* got None"),
        ({"seed": 1.5}, r"seed: .* got 1\.5"),
        ({"models": {"threads": 100_000}}, r"models\.threads: .*1024; got 100000"),
        ({"models": {"lora_rank": 2**40}}, r"models\.lora_rank: .*2147483647; got"),
    ],
)
def test_what_cannot_be_is_told(raw: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_run(raw, "run.yaml")


def test_any_seed_is_taken() -> None:
    assert parse_run({"seed": 2**80}, "run.yaml").seed == 2**80


def test_with_a_known_reward_the_labelers_scorers_bind_no_judge() -> None:
    """Nobody labels then: only what the policy follows may not judge it."""
    run = parse_run(
        {"policy": {"reward": "length"}, "evaluation": {"judges": ["sentiment"]}}, "run.yaml"
    )
    assert not run.policy.uses_reward_model
    assert run.evaluation.judges == ["sentiment"]


def test_the_synthetic_scorers_bind_the_judge_only_where_they_label() -> None:
    """`lexicon` labels nothing when people do, so it may judge."""
    scorer = {"synthetic": {"scorers": {"lexicon": 1.0}}}
    with pytest.raises(SettingsError, match=r"'lexicon' is no independent judge"):
        parse_run({"comparisons": scorer}, "run.yaml")
    for labelers in ("people", "none"):
        run = parse_run({"comparisons": scorer | {"labelers": labelers}}, "run.yaml")
        assert run.evaluation.judges == ["lexicon"]
        assert run.comparisons.known_scorers == {}


def test_problems_between_stages_are_told_together() -> None:
    raw = {"rounds": 99, "samples": {"per_prompt": 9}, "comparisons": {"labels": 2}}
    with pytest.raises(SettingsError) as caught:
        parse_run(raw, "run.yaml")
    assert all(text in str(caught.value) for text in ("99 rounds", "per_prompt is 9", "labels 2"))


def test_a_file_that_is_no_run_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not exist\. Make a run folder"):
        load_run_file(tmp_path / "none.yaml")
    for text, told in (
        ("- a", "must hold sections"),
        ("a: [", "is not YAML"),
        ("", "got NoneType"),
    ):
        with pytest.raises(SettingsError, match=told):
            load_run_file(written(tmp_path, text))


TWICE = """\
seed: 1
policy:
  kl: {coef: 0.1, target: 3.0, coef: 0.2}
  lr: 1e-4
  batchsize: 8
scorers:
  plain: &plain {kind: length}
  mine: {<<: *plain, kind: copying}
policy:
  lr: 2e-4
  lr: 3e-4
  "lr": 4e-4
seed: -1
"""


def test_keys_that_stand_twice_are_told_with_their_lines_and_all_else(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_run_file(written(tmp_path, TWICE))
    heading, *lines = str(caught.value).splitlines()
    assert heading.endswith("run.yaml has 5 problems:")
    why = "only the last would count, so keep one of them"
    assert lines[:4] == [
        f"  - seed: it stands 2 times, on lines 1 and 13; {why}",
        f"  - policy: it stands 2 times, on lines 2 and 9; {why}",
        f"  - policy.kl.coef: it stands 2 times, on line 3; {why}",
        f"  - policy.lr: it stands 3 times, on lines 10, 11 and 12; {why}",
    ]
    assert lines[4].startswith("  - seed: Input should be"), "what else is wrong with what holds"


def test_wherever_a_run_file_is_read_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "task: sentiment\naudits: {on_alarm: stop, on_alarm: warn}")
    (tmp_path / "run.resolved.yaml").write_text("recipe: none\n")
    told = r"audits\.on_alarm: it stands 2 times, on line 2; only the last"
    for read in (load_run_file, load_run_as_made):
        with pytest.raises(SettingsError, match=told):
            read(path)
    with pytest.raises(SettingsError, match=r"'policy=\{lr: 1, lr: 2\}': lr: it stands 2 times"):
        load_run_file(written(tmp_path, "seed: 1"), ["policy={lr: 1, lr: 2}"])
    (tmp_path / "run.resolved.yaml").write_text("recipe: none\nseed: 1\nseed: 2\n")
    with pytest.raises(SettingsError, match=r"run\.resolved\.yaml has 1 problem:\n  - seed: it"):
        load_run_as_made(path)


def test_a_section_under_two_names_and_one_that_is_merged_stand_once(tmp_path: Path) -> None:
    text = "scorers:\n  a: &a {kind: length}\n  b: *a\n  c: {<<: *a, <<: *a, kind: copying}"
    kinds = {
        name: own["kind"] for name, own in load_run_file(written(tmp_path, text)).scorers.items()
    }
    assert kinds == {"a": "length", "b": "length", "c": "copying"}


def test_a_run_written_out_is_the_same_run(tmp_path: Path) -> None:
    people = {"labelers": "people"}
    raw = {"task": "summarization", "comparisons": people, "policy": {"lr": 1e-6}, "seed": 5}
    run = parse_run(raw, "run.yaml")
    assert load_run_file(written(tmp_path, as_yaml(run))) == run


def test_a_run_in_which_nobody_labels_needs_no_labels_for_its_rounds() -> None:
    raw = {"rounds": 3, "comparisons": {"labels": 2}, "policy": {"reward": "sentiment"}}
    assert parse_run(raw, "run.yaml").rounds == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("task: {name: custom, question: Welcher ist schöner?}".encode("latin-1"), "is not UTF-8"),
        (b"\n\ntask: caf\xe9", "line 3 has the byte 0xe9. Save it as UTF-8."),
        (rb'task: {name: custom, question: "Which \ud83d?"}', "half of a character"),
        (b"seed: 2026-13-01", "is not YAML: month must be in 1..12"),
        (b"[" * 5000, "is not YAML: maximum recursion"),
        (b"policy: &a {kl: *a}", "refers to itself"),
        (b"2026-01-01: {}", "Keys should be strings"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_run_file(path)
    assert told in str(caught.value)


def test_a_byte_order_mark_and_a_whole_character_are_read(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + 'task: {name: sentiment, question: "Which 😀?"}'.encode())
    assert load_run_file(path).task.question == "Which 😀?"


def test_a_record_of_episodes_that_fill_no_rollout_is_read(tmp_path: Path) -> None:
    """Earlier versions left the rest out; a run file is refused where it goes on."""
    policy = {"policy": {"episodes": 1000, "batch_size": 64}}
    for name in ("run.yaml", "run.resolved.yaml"):
        (tmp_path / name).write_text(yaml.safe_dump({"recipe": "none", **policy}))
    assert load_run_as_made(tmp_path / "run.yaml").policy.episodes == 960
    assert recorded_run(policy, "a policy").policy.updates == 15
    with pytest.raises(SettingsError, match="write 960 or 1024"):
        load_run_file(tmp_path / "run.yaml")


@pytest.mark.parametrize("made_with", [{"mine": {"kind": "copying"}}, {}])
def test_a_scorer_of_the_audits_does_not_stand_for_one_that_the_run_was_made_with(
    tmp_path: Path, made_with: dict[str, object]
) -> None:
    name = next(iter(made_with), "length")
    chosen = {"evaluation": {"judges": [name]}}
    asked = {"kind": "imagery"}
    made = {"recipe": "none", **chosen, "scorers": made_with}
    (tmp_path / "run.resolved.yaml").write_text(yaml.safe_dump(made))

    def read(scorers: dict[str, object]) -> dict[str, dict[str, object]]:
        run = {**made, "scorers": {**made_with, **scorers}, "audits": {"scorers": list(scorers)}}
        return load_run_as_made(written(tmp_path, yaml.safe_dump(run))).scorers

    with pytest.raises(SettingsError, match=f"scorers.{name}: the run was made with .* a name of"):
        read({name: asked})
    assert read({"own": asked}) == {**made_with, "own": asked}
    assert read(made_with) == made_with
    # What only the audits look at may change.
    (tmp_path / "run.resolved.yaml").write_text(
        yaml.safe_dump({**made, "scorers": {"own": {"kind": "length"}}})
    )
    assert read({"own": asked})["own"] == asked


def test_a_record_that_contradicts_itself_is_read_as_it_is(tmp_path: Path) -> None:
    """Earlier versions took what later ones refuse, where nothing had come of it."""
    made = {
        "recipe": "none",
        "policy": {"kl": {"coef": 0.0, "cap": 5.0}},
        "prompts": {"held_out_share": 0.6, "validation_share": 0.5},
        "rewards": {"normalize_samples": 1},
        "comparisons": {"overlap": 20},
    }
    for name in ("run.yaml", "run.resolved.yaml"):
        (tmp_path / name).write_text(yaml.safe_dump(made))
    assert load_run_as_made(tmp_path / "run.yaml").policy.kl.cap == 5.0
    assert recorded_run(made, "a policy").comparisons.overlap == 20
    with pytest.raises(SettingsError) as caught:
        load_run_file(tmp_path / "run.yaml")
    assert all(word in str(caught.value) for word in ("coef 0", "cap 5", "share", "overlap 20"))


def test_a_file_for_several_methods_is_no_run(tmp_path: Path) -> None:
    path = written(tmp_path, "methods: {ppo: null, rloo: null}\npolcy: {}")
    with pytest.raises(SettingsError) as caught:
        load_run_file(path)
    heading, first, second = str(caught.value).splitlines()
    assert heading == f"{path} has 2 problems:"
    assert first.startswith("  - methods: this file is for several methods, and a run trains one.")
    assert "`prefloop experiment methods FOLDER FILE`" in first
    assert second == "  - polcy: no such setting. Did you mean policy?"
    (tmp_path / "run.resolved.yaml").write_text("task: sentiment\nrecipe: none\n")
    made = load_run_as_made(written(tmp_path, "methods: [ppo, rloo]"))
    assert made.recipe == "none", "what was made before the section was written can be read"
    with pytest.raises(SettingsError, match=r"method: no such setting\. Did you mean methods"):
        load_run_file(written(tmp_path, "method: [ppo, rloo]"))


def test_an_earlier_name_beside_a_section_that_is_none_is_no_crash(tmp_path: Path) -> None:
    path = written(tmp_path, "policy: {lam: 0.9, options: 3}")
    with pytest.raises(SettingsError, match=r"policy\.options: Input should be a valid dictionary"):
        load_run_file(path)
