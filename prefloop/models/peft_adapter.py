"""The policy's low-rank updates as a folder of PEFT: a few megabytes beside the merged model.

    base = AutoModelForCausalLM.from_pretrained("base")
    policy = PeftModel.from_pretrained(base, "my-run/policy/round-0/adapter")

The base is the model that the run started from: `models.name`, or after a warm start the folder
`my-run/warm_start`.
"""

import copy
from pathlib import Path

from safetensors.torch import save_file

from prefloop.models.roles import POLICY, ModelRoles

FOLDER = "adapter"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
"""How PEFT names the model that an adapter is put on."""


def save_peft_adapter(folder: Path, roles: ModelRoles) -> None:
    """Write the policy's adapter below its model folder; nothing with `adapter: none`."""
    settings = roles.adapter_settings
    if settings is None:
        return
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    weights = {
        PREFIX + name.replace(f".{POLICY}.", "."): parameter.detach().contiguous()
        for name, parameter in roles.policy.named_parameters
    }
    save_file(weights, place / WEIGHTS, metadata={"format": "pt"})
    settings = copy.deepcopy(settings)
    settings.base_model_name_or_path = roles.policy.causal.name_or_path
    settings.task_type = "CAUSAL_LM"
    settings.inference_mode = True
    settings.save_pretrained(place)
