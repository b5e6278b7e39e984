"""Which methods trained the policy of a run."""

from prefloop.figures.text import method_title
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig


def methods_of(run: RunFigures, config: RunConfig) -> str:
    """Return the methods that the metrics name, such as `PPO`; before any, the settings' one."""
    methods = run.methods or (config.policy.method,)
    return " and ".join(method_title(method) for method in methods)
