"""The method that a run file chose."""

from typing import cast

from prefloop.errors import SettingsError
from prefloop.policy.methods.method import ChecksSettings, Method
from prefloop.registry import METHODS
from prefloop.settings.policy import PolicyConfig


def build_method(config: PolicyConfig) -> Method:
    """Return the method `policy.method` with `policy.options`; SettingsError if they do not fit
    each other or the rest of `policy`, InputError if the method's constructor raises.

    `best_of_n` has neither targets nor a loss: nothing asks it for them.
    """
    made, _ = METHODS.make(config.method, config.options, "policy.options", called=config.method)
    method = cast(Method, made)
    if config.trains and config.minibatch_size % method.samples_per_prompt:
        raise SettingsError(
            f"policy.method {config.method} draws {method.samples_per_prompt} responses to each "
            f"prompt, which does not divide a minibatch of {config.minibatch_size} responses "
            f"(policy.batch_size {config.batch_size} / policy.minibatches {config.minibatches}). "
            "Change one of them."
        )
    if isinstance(method, ChecksSettings) and (problems := method.settings_problems(config)):
        raise SettingsError("\n".join(f"{problem}." for problem in problems))
    return method
