"""Settings that a run keeps when it resumes, those that may change, and what is written down."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefloop.comparisons.selection.builder import make_comparisons
from prefloop.errors import SettingsError, StoreError
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.run.kept_contents import keep_contents
from prefloop.run.kept_settings import keep_settings, with_method_options
from prefloop.run_file import load_run_file, parse_run
from prefloop.run_history import record_stage
from prefloop.store.store import Store
from tests.models_for_tests import save_gpt2

POLITE = {"kind": "function", "file": "polite.py"}


def begun(folder: Path, resolved: dict[str, Any]) -> Path:
    """Return a run folder in which samples were drawn under these settings."""
    with Store.open(folder / "prefloop.db") as store:
        store.add_prompts([Prompt(id="p", text="One.", source="test", split="train")])
        store.add_samples(
            [
                Sample(
                    id="s",
                    prompt_id="p",
                    model=REFERENCE,
                    round=0,
                    purpose="labels",
                    text=" two.",
                    response_ids=(1,),
                    is_ended=True,
                    logprob=-1.0,
                    ref_logprob=-1.0,
                )
            ]
        )
    (folder / "run.resolved.yaml").write_text(yaml.safe_dump(resolved))
    return folder


def settings(**changes: Any) -> dict[str, Any]:
    """Return every setting of a run, written out."""
    return with_method_options(parse_run(changes, "run.yaml")).model_dump()


def reported(folder: Path, **changes: Any) -> list[str]:
    """Return what is said when the run resumes with these settings."""
    said: list[str] = []
    config = with_method_options(parse_run(changes, "run.yaml"))
    keep_settings(config, folder, said.append).write()
    return said


def test_changes_that_cost_nothing_are_reported_and_written_down(tmp_path: Path) -> None:
    run = begun(tmp_path, settings())
    assert reported(run, policy={"lr": 2e-5}, models={"threads": 1}) == [
        "models.threads was None and is 1 from here on.",
        "policy.lr was 0.0015 and is 2e-05 from here on.",
    ]
    assert load_run_file(run / "run.resolved.yaml").policy.lr == 2e-5
    assert reported(run, policy={"lr": 2e-5}, models={"threads": 1}) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seed": 2}, "seed was 1 and is 2: every random number"),
        ({"models": {"lora_rank": 3}}, "models.lora_rank"),
        ({"comparisons": {"synthetic": {"flips": 0.1}}}, "comparisons.synthetic.flips"),
        (
            {"comparisons": {"synthetic": {"scorers": {"length": 1.0}}}},
            "comparisons.synthetic.scorers was .* different scorers would be mixed",
        ),
        ({"policy": {"reward": "length"}}, "policy.reward was 'reward_model' and is 'length'"),
        ({"policy": {"method": "rloo"}}, "policy.method was 'ppo' and is 'rloo'"),
    ],
)
def test_changes_that_contradict_what_was_made_are_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    run = begun(tmp_path, settings())
    before = (run / "run.resolved.yaml").read_text()
    with pytest.raises(SettingsError, match=reason) as refused:
        reported(run, **changes)
    assert "was begun with other settings" in str(refused.value)
    assert (run / "run.resolved.yaml").read_text() == before


def test_settings_are_written_down_when_something_is_made_and_not_before(tmp_path: Path) -> None:
    run, said = begun(tmp_path, settings()), list[str]()
    before = (run / "run.resolved.yaml").read_bytes()
    config = with_method_options(
        parse_run({"policy": {"lr": 2e-5}, "report": {"pairs": 3}}, "run.yaml")
    )
    new = keep_settings(config, run, said.append)
    assert said == ["report.pairs was 12 and is 3 from here on."]
    new.tell_unused()
    assert said[1:] == [
        "Nothing was left to make: the run stays as it was made, with policy.lr 0.0015."
    ]
    assert (run / "run.resolved.yaml").read_bytes() == before
    new.write()
    new.write()
    new.tell_unused()
    assert said[2:] == ["policy.lr was 0.0015 and is 2e-05 from here on."]
    assert load_run_file(run / "run.resolved.yaml").policy.lr == 2e-5


def trained(folder: Path, resolved: dict[str, Any], updates: int) -> Path:
    """Return a run whose first round made so many updates on one label."""
    lines = [{"stage": "policy", "round": 0, "update": n + 1} for n in range(updates)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return begun(folder, resolved)


def test_a_round_for_which_no_update_is_left_is_refused_with_what_would_do(tmp_path: Path) -> None:
    """Sixteen updates were made; of 17 in three rounds the second would end with the 11th."""
    run = trained(tmp_path, settings(), updates=16)
    with pytest.raises(
        SettingsError, match=r"no update is left for round 1: .* at least 1664; with 3072 each"
    ):
        reported(run, rounds=3, policy={"episodes": 1088})
    assert reported(run, rounds=3, policy={"episodes": 1664})


def test_a_round_for_which_no_label_is_left_is_refused(tmp_path: Path) -> None:
    run = trained(tmp_path, settings(comparisons={"labels": 4, "overlap": 4}), updates=16)
    with Store.open(run / "prefloop.db") as store:
        first = store.samples()[0]
        second = replace(first, id="s2", text=" three.")
        store.add_samples([second])
        store.add_comparisons(
            make_comparisons([first, second], {"p": store.prompts()[0]}, round=0, per_prompt=2)
        )
    more = {"episodes": 2048}
    with pytest.raises(SettingsError, match=r"comparisons\.labels above 4; with 8 each"):
        reported(run, rounds=2, policy=more, comparisons={"labels": 4, "overlap": 4})
    assert reported(run, rounds=2, policy=more, comparisons={"labels": 5, "overlap": 4})


def test_rounds_are_added_and_never_taken_away(tmp_path: Path) -> None:
    run = begun(tmp_path, settings(rounds=2))
    with pytest.raises(SettingsError, match="rounds may be added, but not taken away"):
        reported(run, rounds=1)
    assert reported(run, rounds=3) == ["rounds was 2 and is 3 from here on."]


def test_a_run_that_has_made_nothing_may_change_everything(tmp_path: Path) -> None:
    (tmp_path / "run.resolved.yaml").write_text(yaml.safe_dump(settings()))
    assert reported(tmp_path, seed=9) == []


def test_prompts_alone_bind_no_setting(tmp_path: Path) -> None:
    """What is stored before the first sample depends on none of them, and is stored again."""
    with Store.open(tmp_path / "prefloop.db") as store:
        store.add_prompts([Prompt(id="p", text="One.", source="test", split="train")])
        head = store.ledger_head()
    record_stage(
        tmp_path, stage="prompts", round_number=0, update=0, events=head.n_events, head=head.hash
    )
    (tmp_path / "run.resolved.yaml").write_text(yaml.safe_dump(settings()))
    assert reported(tmp_path, seed=2, prompts={"held_out_share": 0.3}) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"These are notes, and no database." * 40, "is not a database"), (None, "Make it first")],
)
def test_a_store_that_never_opened_is_not_named(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "elsewhere" / "labels.db"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(StoreError, match=reason):
        reported(tmp_path, store=str(path))
    assert not (tmp_path / "run.resolved.yaml").exists()


def test_a_store_that_opened_is_named(tmp_path: Path) -> None:
    assert reported(tmp_path, store=str(tmp_path / "labels.db")) == []
    assert load_run_file(tmp_path / "run.resolved.yaml").store == str(tmp_path / "labels.db")
    with Store.open(tmp_path / "labels.db", read_only=True) as store:
        assert store.verify_chain() == 0


def test_old_names_of_settings_are_no_changes(tmp_path: Path) -> None:
    """Version 0.1 wrote the method's options, the judge and the scorers under other names."""
    resolved = settings()
    synthetic = resolved["comparisons"]["synthetic"]
    synthetic["taste"] = synthetic.pop("scorers")
    resolved["evaluation"]["judge"] = resolved["evaluation"].pop("judges")[0]
    resolved["policy"] |= resolved["policy"].pop("options")
    for name in ("method", "reward", "keep_every"):
        del resolved["policy"][name]
    for name in ("scorers", "judges"):
        del resolved[name]
    run = begun(tmp_path, resolved)
    assert reported(run, policy={"options": {"lam": 0.9}}) == [
        "policy.options.lam was 0.95 and is 0.9 from here on."
    ]


@pytest.mark.parametrize("change", [{"reward": "length"}, {"method": "rloo"}])
def test_a_run_of_version_0_1_followed_its_reward_model_by_ppo(
    tmp_path: Path, change: dict[str, str]
) -> None:
    resolved = settings()
    for name in ("method", "reward", "keep_every"):
        del resolved["policy"][name]
    with pytest.raises(SettingsError, match=rf"policy\.{next(iter(change))} was"):
        reported(begun(tmp_path, resolved), policy=change)


def test_what_the_name_of_the_labelers_scorer_means_may_not_change(tmp_path: Path) -> None:
    chosen = {"comparisons": {"synthetic": {"scorers": {"polite": 1.0}}}}
    run = begun(tmp_path, settings(scorers={"polite": POLITE}, **chosen))
    other = POLITE | {"file": "rude.py"}
    with pytest.raises(SettingsError, match=r"scorers\.polite was .*would be mixed"):
        reported(run, scorers={"polite": other}, **chosen)
    unused = reported(run, scorers={"polite": POLITE, "unused": other}, **chosen)
    assert unused == [f"scorers.unused was None and is {other!r} from here on."]


def test_what_the_name_of_a_held_out_scorer_means_may_not_change(tmp_path: Path) -> None:
    chosen = {"rewards": {"hold_out": ["polite"]}}
    run = begun(tmp_path, settings(scorers={"polite": POLITE}, **chosen))
    with pytest.raises(SettingsError, match=r"scorers\.polite was .*the other reward"):
        reported(run, scorers={"polite": POLITE | {"file": "rude.py"}}, **chosen)
    with pytest.raises(SettingsError, match=r"rewards\.hold_out was .*the other reward"):
        reported(run, scorers={"polite": POLITE})


def test_every_option_of_the_method_is_written_out(tmp_path: Path) -> None:
    keep_settings(
        with_method_options(parse_run({"policy": {"options": {"lam": 0.9}}}, "run.yaml")),
        tmp_path,
        lambda _: None,
    ).write()
    written = yaml.safe_load((tmp_path / "run.resolved.yaml").read_text())["policy"]["options"]
    assert written["lam"] == 0.9
    assert written["gamma"] == 1.0 and len(written) == 6


def test_an_unknown_option_is_refused_with_a_guess() -> None:
    config = parse_run({"policy": {"options": {"gama": 0.9}}}, "run.yaml")
    with pytest.raises(SettingsError, match=r"policy\.options\.gama: .*Did you mean gamma\?"):
        with_method_options(config)


def test_a_scorer_may_be_asked_more_patiently_but_not_otherwise(tmp_path: Path) -> None:
    """What changes no score may change, even where labels or the policy rest on the scorer."""
    rated = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
    policy = {"reward": "rated"}
    run = begun(tmp_path, settings(scorers={"rated": rated}, policy=policy))
    patient = {**rated, "patience_seconds": 3600.0, "concurrency": 2}
    [said] = reported(run, scorers={"rated": patient}, policy=policy)
    assert said.startswith("scorers.rated was ")
    for changed in ({**patient, "model": "n"}, {**patient, "template": "{response}?"}):
        with pytest.raises(SettingsError, match=r"scorers\.rated was .* the other reward"):
            reported(run, scorers={"rated": changed}, policy=policy)


def test_the_earlier_store_is_found_from_wherever_the_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    run = trained(tmp_path / "run", settings(store="labels.db"), updates=16)
    (run / "prefloop.db").rename(run / "labels.db")
    monkeypatch.chdir(tmp_path)
    more = {"policy": {"episodes": 2048}, "store": "run/labels.db"}
    assert reported(Path("run"), rounds=2, **more)
    assert not (tmp_path / "labels.db").exists()


def test_a_moved_run_finds_its_model_by_what_it_is(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`models.name` was typed from the project folder, and the run folder lies deeper by now."""
    shutil.copytree(gpt2_folder, tmp_path / "base")
    run = tmp_path / "archive" / "run"
    run.mkdir(parents=True)
    begun(run, settings(models={"name": "../base"}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"models\.name was '\.\./base'"):
        reported(Path("archive/run"), models={"name": "base"})
    keep_contents("base", Path("base"), {}, run, has_begun=False, say=print)
    assert reported(Path("archive/run"), models={"name": "base"}) == []
    save_gpt2(tmp_path / "base", seed=7)
    begun(run, settings(models={"name": "../base"}))
    with pytest.raises(SettingsError, match=r"models\.name was"):
        reported(Path("archive/run"), models={"name": "base"})


def test_a_mix_that_nobody_labeled_by_may_change(tmp_path: Path) -> None:
    was = settings(comparisons={"labelers": "people"})
    was["comparisons"]["synthetic"]["scorers"] = {"length": 1.0}
    run = begun(tmp_path, was)
    assert reported(run, comparisons={"labelers": "people"})
    was["comparisons"]["labelers"] = "synthetic"
    (run / "run.resolved.yaml").write_text(yaml.safe_dump(was))
    with pytest.raises(SettingsError, match="different scorers would be mixed"):
        reported(run, comparisons={"labelers": "people"})
