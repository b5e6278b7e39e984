"""Which weights a model name stands for: whoever asks for a name gets those weights or an error."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from prefloop.errors import InputError
from prefloop.files import sha256, write_atomically
from prefloop.models.loading import Tokenizer, load_causal, load_tokenizer
from prefloop.models.model_folder import read_object
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.sources import resolve
from prefloop.records import REFERENCE

OF_ROUND = re.compile(r"policy/round-(\d+)")
OF_POLICY = re.compile(r"policy/(round|update)-\d+(-branch-\d+)?")
"""Names of the run's own policy; any other name is a folder or a hub name."""


class PolicyVersions(Protocol):
    """The updates of the policy in training, by name."""

    @property
    def current_name(self) -> str:
        """The canonical name of the weights as they are now."""

    def name_of(self, round_number: int) -> str:
        """Return the canonical name with which a round ended; InputError if it has not."""

    def rounds_of(self, name: str) -> Sequence[int]:
        """Return the rounds that ended with this canonical name."""

    def kept_names(self) -> Sequence[str]:
        """Return the canonical names whose weights are on the disk."""

    def exported(self, name: str) -> Path | None:
        """Return the model folder of a round that ended with this name, if there is one."""

    def loaded(self, name: str) -> AbstractContextManager[None]:
        """Put the weights of a canonical name into the policy while the block runs.

        CheckpointError if they are damaged.
        """


class NamedModels:
    """The models of a run by name: `reference`, updates and rounds of the policy, and others.

    `policy/update-40` (with `-branch-2` after a roll back) is the policy as update 40 left it.
    `policy/round-1` is the update with which round 1 ended. A folder or a hub name is that model;
    it must share the run's vocabulary.
    """

    def __init__(
        self,
        roles: ModelRoles,
        tokenizer: Tokenizer,
        policy: PolicyVersions,
        *,
        run: Path,
        say: Callable[[str], None],
    ) -> None:
        self.roles = roles
        self.tokenizer = tokenizer
        self.policy = policy
        self._say = say
        self._hashes = run / "models.json"

    def canonical(self, name: str) -> str:
        """Return the name under which samples and figures of a model are kept."""
        of_round = OF_ROUND.fullmatch(name)
        return name if of_round is None else self.policy.name_of(int(of_round[1]))

    @staticmethod
    def is_policy(name: str) -> bool:
        """Whether a name is one of the run's own policy."""
        return OF_POLICY.fullmatch(name) is not None

    def missing(self, name: str) -> InputError:
        """Return what to say of an update of the policy whose weights are not kept."""
        kept = ", ".join(self.policy.kept_names()) or "none"
        return InputError(
            f"the weights of {name} are not kept. Kept are {kept}; the policy in training is "
            f"{self.policy.current_name}. To keep more of those to come, set policy.keep_every."
        )

    def earlier_names(self, name: str) -> list[str]:
        """Return the names that version 0.1 gave samples of an update with which a round ended."""
        suffix = re.sub(r"policy/update-\d+", "", name)
        return [f"policy/round-{number}{suffix}" for number in self.policy.rounds_of(name)]

    def check_unchanged(self, name: str) -> None:
        """Refuse the name of a folder whose weights have changed since samples were drawn of it."""
        if name == REFERENCE or self.is_policy(name):
            return
        weights = sorted(resolve(name, say=self._say).glob("*.safetensors"))
        now = [sha256(path) for path in weights]
        known = read_object(self._hashes) if self._hashes.exists() else {}
        if known is None:
            raise InputError(
                f"{self._hashes} is damaged: it holds the hashes of the models that samples were "
                "drawn of. Put back a backup of it, or delete it if none of them has changed."
            )
        if known.setdefault(name, now) != now:
            raise InputError(
                f"the weights of model {name} have changed since samples were drawn of it. Put the "
                "earlier ones back, or name a copy in another folder."
            )
        write_atomically(self._hashes, json.dumps(known, indent=1))

    @contextmanager
    def use(self, name: str) -> Iterator[RoleModel]:
        """Give the model of this name while the block runs.

        The policy in training may hold other weights meanwhile; afterwards it holds its own again.
        InputError if there are no such weights, or if they do not fit this run.
        """
        name = self.canonical(name)
        if name == REFERENCE:
            yield self.roles.reference
        elif name == self.policy.current_name:
            yield self.roles.policy
        elif not self.is_policy(name):
            yield self._load(name, resolve(name, say=self._say))
        elif name in self.policy.kept_names():
            with self.policy.loaded(name):
                yield self.roles.policy
        elif (folder := self.policy.exported(name)) is not None:
            yield self._load(name, folder)
        else:
            raise self.missing(name)

    def _load(self, name: str, folder: Path) -> RoleModel:
        """Return the model in a folder, if it shares the run's vocabulary."""
        self._compare_vocabulary(name, folder)
        runtime = self.roles.reference.runtime
        causal = load_causal(folder, self.tokenizer, runtime)
        for parameter in causal.parameters():
            parameter.requires_grad_(False)
        found = RoleModel(causal, [], lambda: None, products=runtime.products)
        wanted = self.roles.reference.vocabulary
        if found.vocabulary != wanted:
            raise InputError(
                f"model {name} gives {found.vocabulary} logits per token and this run's models "
                f"{wanted}; only models over the same vocabulary can be compared."
            )
        return found

    def check_folder(self, name: str) -> None:
        """Refuse a folder or hub name that is no usable model, or one over another vocabulary.

        The model is loaded: what is found only then would be found after all training.
        """
        if name != REFERENCE:
            self._load(name, resolve(name, say=self._say))

    def _compare_vocabulary(self, name: str, folder: Path) -> None:
        theirs, ours = load_tokenizer(folder).hf_tokenizer, self.tokenizer.hf_tokenizer
        if theirs.get_vocab() != ours.get_vocab():
            raise InputError(
                f"model {name} has another vocabulary than this run's models ({len(theirs)} and "
                f"{len(ours)} tokens); its token ids would mean other texts. Compare models that "
                "share a tokenizer."
            )
