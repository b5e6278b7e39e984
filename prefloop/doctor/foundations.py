"""Checks of what a run stands on: its database, model, tokenizer and prompts."""

from pathlib import Path

from prefloop.access import is_write_protected
from prefloop.errors import InputError, PrefloopError
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.text import count, percent
from prefloop.models.loading import PAD_TOKEN, Tokenizer
from prefloop.models.query_encoder import QueryEncoder
from prefloop.prompts.loading import check_context, select_prompts
from prefloop.prompts.queries import CachedPieces, cut_query
from prefloop.prompts.sources import read_passages
from prefloop.run_store import lost_file, open_run_store, store_place
from prefloop.samples.sampler import banned_ids
from prefloop.samples.stop_check import require_reachable_stop, stop_automaton
from prefloop.settings.run import RunConfig
from prefloop.store.core.database_copy import readable
from prefloop.store.upkeep.conditions import Conditions, conditions
from prefloop.store.upkeep.integrity import opened
from prefloop.store.upkeep.stored_rows import check_stored_rows
from prefloop.text.normal_form import normal_form

RESTORE = "Keep this file, and put a backup in its place with `prefloop store restore`."

LOOKED_AT = 500
"""Passages that are cut to see how many survive."""

FEW = 0.2
"""A smaller share of surviving passages gives a warning."""


def check_store(config: RunConfig, folder: Path) -> list[CheckResult]:
    """Return whether the database is the run's, opens, and is as it was written."""
    path = store_place(config, folder)
    try:
        is_lost = lost_file(config, folder) is not None
        if config.store is None and not Path(path).exists() and not is_lost:
            return [_store("later", "There is no database yet: the run has not begun.")]
        with open_run_store(config, folder, read_only=True) as store:
            n_events = store.verify_chain()
        rows = _check_rows(path)
    except PrefloopError as error:
        return [
            _store(
                "bad",
                str(error),
                RESTORE,
            )
        ]
    return [
        _store("ok", f"The database opens, and its ledger of {n_events} events is whole."),
        *rows,
    ]


def _check_rows(path: str | Path) -> list[CheckResult]:
    """Return whether prompts, samples, comparisons and verdicts are as they were stored."""
    check = "rows are as they were stored"
    with (
        readable(path) as place,
        opened(place, read_only=True) as database,
        database.reading() as connection,
    ):
        found = check_stored_rows(connection)
    results = [
        CheckResult(stage="store", check=check, status="bad", message=problem, action=RESTORE)
        for problem in found.problems
    ]
    if results:
        return results
    message = "Prompts, samples, comparisons and verdicts are as they were stored."
    if found.n_without_hash:
        rows = ", ".join(f"{n} {name}" for name, n in found.n_without_hash.items())
        message = f"{message} Version 0.1 stored {rows} without a hash: they cannot be compared."
    return [CheckResult(stage="store", check=check, status="ok", message=message)]


def _store(status: CheckStatus, message: str, action: str = "") -> CheckResult:
    return CheckResult(
        stage="store",
        check="store opens, ledger is whole",
        status=status,
        message=message,
        action=action,
    )


def check_database(config: RunConfig, folder: Path) -> list[CheckResult]:
    """Return whether the database keeps what it has committed."""
    place = config.store or folder / "prefloop.db"
    if Path(place).is_file() and is_write_protected(Path(place)):
        message = "Nothing can be written where the store lies: it can be read, and no run goes on."
        return [_kept("ok", message)]
    try:
        with opened(place) as database:
            found = conditions(database)
    except PrefloopError as error:
        return [_kept("bad", str(error), "Make the database and its folder writable.")]
    if found.program.startswith("SQLite"):
        return [_check_version(found), _check_settings(found), _check_place(found)]
    return [_check_server(found)]


def _check_version(found: Conditions) -> CheckResult:
    if not found.can_lose_commits:
        return _kept("ok", f"{found.program} keeps what it has committed.")
    message = (
        f"{found.program} can lose a commit when two connections write at the same instant (the "
        "WAL-reset bug of 3.7.0 to 3.51.2)"
    )
    if not found.has_writers_lock:
        action = "Move the run to a local disk, or `prefloop store migrate` to PostgreSQL."
        return _kept(
            "bad", f"{message}, and the lock that prevents this does not work here.", action
        )
    return _kept(
        "ok",
        f"{message}. prefloop prevents it with a lock: one connection writes or checkpoints at a "
        "time. Do not write to the database with other programs during a run.",
    )


def _check_settings(found: Conditions) -> CheckResult:
    wanted = {"journal_mode": "wal", "synchronous": "2"}
    wrong = [f"{k} {found.settings[k]}" for k, v in wanted.items() if found.settings[k] != v]
    if wrong:
        action = "Put the run on a local disk; there it is WAL and FULL."
        return _kept(
            "warn", f"The database does not take our settings: {', '.join(wrong)}.", action
        )
    return _kept("ok", "Every commit is forced to the disk (journal_mode WAL, synchronous FULL).")


def _check_place(found: Conditions) -> CheckResult:
    if found.is_network:
        message = (
            f"The database is on a network file system ({found.file_system}): its locks may fail."
        )
        action = "Move the run to a local disk, or `prefloop store migrate` to PostgreSQL."
        return _kept("warn", message, action)
    return _kept(
        "ok", f"The database is on a local disk ({found.file_system or 'kind not known'})."
    )


def _check_server(found: Conditions) -> CheckResult:
    off = [name for name, value in found.settings.items() if value == "off"]
    if not off:
        message = f"{found.program} forces every commit to the disk."
        return _kept("ok", message)
    message = (
        f"{found.program} runs with {' and '.join(off)} off: a crash may lose committed answers."
    )
    if off == ["synchronous_commit"]:
        message += " prefloop turns it on for its own connections."
    action = f"Set {' and '.join(off)} to on in postgresql.conf."
    return _kept("warn", message, action)


def _kept(status: CheckStatus, message: str, action: str = "") -> CheckResult:
    check = "commits are kept"
    return CheckResult(stage="store", check=check, status=status, message=message, action=action)


def check_model(config: RunConfig, base: Path) -> CheckResult:
    """Return where the model was found."""
    message = f"models.name {config.models.name} is {base}."
    return CheckResult(stage="models", check="model folder", status="ok", message=message)


def check_tokenizer(config: RunConfig, tokenizer: Tokenizer) -> list[CheckResult]:
    """Return whether padding is a token of its own, and the stop text one token."""
    eos = tokenizer.hf_tokenizer.eos_token_id
    is_own = tokenizer.pad_id is not None and tokenizer.pad_id != eos
    added = ", added by prefloop" if tokenizer.hf_tokenizer.pad_token == PAD_TOKEN else ""
    pad = CheckResult(
        stage="models",
        check="padding is not end-of-text",
        status="ok" if is_own else "bad",
        message=f"Padding is token {tokenizer.pad_id}{added}; end-of-text is {eos}.",
        action="" if is_own else "Give the tokenizer a pad token of its own.",
    )
    return [pad, _check_stop(config, tokenizer)]


def _check_stop(config: RunConfig, tokenizer: Tokenizer) -> CheckResult:
    check, stop = "a response can end", config.task.stop
    vocabulary = max(tokenizer.known_ids) + 1
    try:
        match = config.samples.stop_match
        automaton = stop_automaton(config.task, tokenizer, vocabulary, match=match)
        banned = banned_ids(tokenizer, config.task, config.samples, vocabulary)
        require_reachable_stop(config.task, tokenizer, automaton, banned)
    except InputError as error:
        action = "Set task.stop to a text that the model can write, or to null."
        return CheckResult(
            stage="prompts", check=check, status="bad", message=str(error), action=action
        )
    message = "task.stop is null: every response counts as ended."
    if stop is not None:
        message = f"This model can write task.stop {stop!r}."
    return CheckResult(stage="prompts", check=check, status="ok", message=message)


def check_prompts(config: RunConfig, tokenizer: Tokenizer, context: int) -> CheckResult:
    """Return how many passages become prompts under the task's rules."""
    around = QueryEncoder(tokenizer, config.task).n_around
    check_context(config.task, tokenizer, context, around=around)
    passages = read_passages(config.prompts).passages[:LOOKED_AT]
    pieces = CachedPieces(tokenizer)
    queries = [cut_query(p.text, config.task, pieces) for p in passages]
    forms = [normal_form(query.text) for query in queries if query.refusal is None]
    kept, n_repeats = len(forms), len(forms) - len(set(forms))
    share = (kept - n_repeats) / len(passages)
    if not kept:
        # It says for each rule how many passages it refused.
        select_prompts(config.prompts, config.task, tokenizer, context=context, around=around)
    is_few = share < FEW
    return CheckResult(
        stage="prompts",
        check="prompts survive the task's rules",
        status="warn" if is_few else "ok",
        message=f"{kept} of the first {len(passages)} passages survive the task's rules "
        f"({percent(kept / len(passages))})"
        + (f", and {count(n_repeats)} of these repeat another." if n_repeats else "."),
        action="See task.start_after, task.end_at, task.query_tokens_min and _max; of passages "
        "that repeat another, one alone is asked."
        if is_few
        else "",
    )
