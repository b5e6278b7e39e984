"""`models/runtime.py` alone names devices, floating-point types and threads; `models/processes.py`
beside it names processes, and what carries their weights, `models/fsdp.py` what shards them.

Elsewhere a new tensor takes device and type from data (`x.new_zeros(n)`,
`torch.arange(n, device=x.device)`) or from a `Runtime` that is handed down. A tensor made on the
default device works on every machine but the one with an accelerator.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, called, files, imported, name_of, tree

Fault = tuple[int, str]
Rule = Callable[[ast.Module], Iterator[Fault]]

RUNTIME = PACKAGE / "models" / "runtime.py"
PROCESSES = PACKAGE / "models" / "processes.py"
FSDP = PACKAGE / "models" / "fsdp.py"
ELSEWHERE = [path for path in files() if path not in (RUNTIME, PROCESSES, FSDP)]

OF_ANY_TYPE = frozenset(["arange", "as_tensor", "asarray", "randint", "randperm", "tril_indices"])
"""Their type follows from what they are given."""
OF_FLOATS = frozenset(
    [
        *("empty", "eye", "full", "linspace", "logspace", "normal", "ones", "rand", "randn"),
        *("scalar_tensor", "tensor", "zeros"),
    ]
)
"""Without `dtype` they are of the process's default floating-point type, or may be."""
FACTORIES = OF_ANY_TYPE | OF_FLOATS
LAYERS = frozenset(["Linear", "Embedding", "LayerNorm", "Conv1d", "Bilinear", "GRU", "LSTM"])
"""Modules that make weights."""
TYPES = frozenset(
    [
        *("float", "float16", "float32", "float64", "bfloat16", "half", "double", "dtype"),
        *("FloatTensor", "DoubleTensor", "HalfTensor"),
    ]
)
PROCESS = frozenset(
    [
        *("device", "cuda", "mps", "xpu", "accelerator", "distributed", "backends", "autocast"),
        *("set_num_threads", "set_num_interop_threads", "set_default_dtype", "set_default_device"),
        *("get_default_dtype", "get_default_device", "use_deterministic_algorithms"),
        *("manual_seed", "seed", "Generator", "from_numpy", "set_float32_matmul_precision"),
    ]
)
CONVERSIONS = frozenset(["cpu", "cuda", "float", "double", "half", "bfloat16", "numpy"])
"""Methods that name a device or a type, or need one."""
WORDS = frozenset(
    [
        *("cpu", "cuda", "mps", "xpu", "meta"),
        *("float16", "float32", "float64", "bfloat16", "fp16", "bf16", "fp32"),
    ]
)

SETTINGS = ("cpu", "cuda", "mps", "float32", "bfloat16")
KEPT: dict[str, str] = {
    "prefloop/functional/sampling.py:.float()": "a token's chance is right to 1e-7 in float32 only",
    "prefloop/functional/logprobs.py:torch.float64": "a softmax in float64 stays in it",
    "prefloop/functional/logprobs.py:.float()": "any other is worked in float32",
    "prefloop/functional/normalization.py:.double()": "means are worked in float64",
    **{f'prefloop/settings/models.py:"{name}"': "what a run file may say" for name in SETTINGS},
    "prefloop/run/trackers.py:import accelerate.tracking": "trackers write numbers down elsewhere",
}
"""file:what -> reason. The precision in which a formula is worked is part of it."""


def bare_factories(module: ast.Module) -> Iterator[Fault]:
    """Find tensors and layers that are made on the default device or of the default type."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            for alias in node.names:
                if alias.name in FACTORIES | LAYERS:
                    yield node.lineno, f"from torch import {alias.name}"
        if isinstance(node, ast.ClassDef):
            yield from _bare_layer_class(node)
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        last = name.split(".")[-1]
        if name == f"torch.{last}" and last in FACTORIES:
            wanted = {"device", "dtype"} if last in OF_FLOATS else {"device"}
        elif name.endswith(f"nn.{last}") and last in LAYERS:
            wanted = {"device", "dtype"}
        else:
            continue
        if lacking := wanted - _given(node):
            yield node.lineno, f"{name} without {' and '.join(sorted(lacking))}"


def _bare_layer_class(node: ast.ClassDef) -> Iterator[Fault]:
    """Find a subclass of a layer that makes its weights on the default device."""
    names = {ast.unparse(base).removeprefix("torch.") for base in node.bases}
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    if not names & {f"nn.{layer}" for layer in LAYERS}:
        return
    for call in calls:
        lacking = {"device", "dtype"} - _given(call)
        if lacking and ast.unparse(call.func) == "super().__init__":
            yield call.lineno, f"super().__init__ without {' and '.join(sorted(lacking))}"


def _given(call: ast.Call) -> set[str]:
    """Return the keywords that are given a value; None would mean the default."""
    return {
        k.arg
        for k in call.keywords
        if k.arg and not (isinstance(k.value, ast.Constant) and k.value.value is None)
    }


def named_runtime(module: ast.Module) -> Iterator[Fault]:
    """Find what names a device, a floating-point type, threads or processes."""
    for name, line in imported(module):
        if name.split(".")[0] == "accelerate" or name.startswith(("torch.cuda", "torch.distrib")):
            yield line, f"import {name}"
    for node in ast.walk(module):
        if (what := _named(node)) is not None:
            yield getattr(node, "lineno", 0), what


def _named(node: ast.AST) -> str | None:
    """Return the device, type or process that a piece of code names, if it does."""
    match node:
        case ast.ImportFrom(module="prefloop.models.runtime", names=names):
            return "import CPU" if any(alias.name == "CPU" for alias in names) else None
        case ast.Attribute(value=ast.Name(id="torch"), attr=name) if name in TYPES | PROCESS:
            return f"torch.{name}"
        case ast.Call(func=ast.Attribute(attr=name), args=[]) if name in CONVERSIONS:
            return f".{name}()"
        case ast.Constant(value=str(text)) if text in WORDS or text.startswith("cuda:"):
            return f'"{text}"'
    return None


def keys(rule: Rule) -> set[str]:
    """Return a rule's faults outside the runtime as file:what."""
    return {f"{name_of(path)}:{what}" for path in ELSEWHERE for _, what in rule(tree(path))}


@pytest.mark.parametrize("rule", [bare_factories, named_runtime])
def test_only_the_runtime_names_devices_types_and_processes(rule: Rule) -> None:
    assert keys(rule) - set(KEPT) == set()


def test_the_list_of_exceptions_only_shrinks() -> None:
    gone = set(KEPT) - keys(bare_factories) - keys(named_runtime)
    assert gone == set(), "gone: take it off the list"
    assert all(KEPT.values()), "an exception needs its reason"


@pytest.mark.parametrize("path", [RUNTIME, PROCESSES, FSDP])
def test_the_runtime_itself_makes_no_bare_tensor(path: Path) -> None:
    module = tree(path)
    assert list(named_runtime(module)), "it is the one that names them"
    bare = [what for _, what in bare_factories(module) if "without" in what]
    assert bare == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (bare_factories, "torch.zeros(3)"),
        (bare_factories, "torch.zeros(3, device=x.device)"),
        (bare_factories, "torch.zeros(3, dtype=torch.bool)"),
        (bare_factories, "torch.zeros(3, dtype=x.dtype, device=None)"),
        (bare_factories, "torch.arange(3)"),
        (bare_factories, "torch.tensor([1.0], device=x.device)"),
        (bare_factories, "torch.as_tensor(array)"),
        (bare_factories, "torch.full((2, 3), 0)"),
        (bare_factories, "torch.rand(3, generator=g, device=d)"),
        (bare_factories, "from torch import zeros"),
        (bare_factories, "nn.Linear(2, 3)"),
        (bare_factories, "torch.nn.Linear(2, 3, device=d)"),
        (bare_factories, "class A(nn.Linear):\n def __init__(s):\n  super().__init__(2, 3)"),
        (named_runtime, "x.to('cuda')"),
        (named_runtime, "x.to('cuda:1')"),
        (named_runtime, "device = 'cpu'"),
        (named_runtime, "x.cuda()"),
        (named_runtime, "x.cpu().numpy()"),
        (named_runtime, "mask.float().mean()"),
        (named_runtime, "torch.device(name)"),
        (named_runtime, "def f(d: torch.device) -> None: ..."),
        (named_runtime, "load(dtype=torch.float32)"),
        (named_runtime, "config.dtype = 'float32'"),
        (named_runtime, "torch.set_num_threads(1)"),
        (named_runtime, "torch.Generator().manual_seed(1)"),
        (named_runtime, "torch.manual_seed(1)"),
        (named_runtime, "torch.from_numpy(a)"),
        (named_runtime, "torch.cuda.is_available()"),
        (named_runtime, "import accelerate"),
        (named_runtime, "import torch.distributed as dist"),
        (named_runtime, "from prefloop.models.runtime import CPU"),
    ],
)
def test_a_fault_would_be_seen(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "x.new_zeros(3)",
        "torch.zeros_like(x, dtype=torch.bool)",
        "torch.arange(3, device=x.device)",
        "torch.zeros(3, dtype=torch.bool, device=x.device)",
        "torch.as_tensor(order, device=x.device)",
        "class A(nn.Linear):\n def __init__(s):\n  super().__init__(2, device=d, dtype=t)",
        "class B(nn.Module):\n def __init__(s):\n  super().__init__()",
        "mask.long().sum()",
        "x.to(y.dtype)",
        "text = 'a cpu has no float32'",
        "from prefloop.models.runtime import Runtime",
        "np.float64(1.0)",
    ],
)
def test_what_takes_its_device_from_data_is_left_alone(source: str) -> None:
    module = ast.parse(source)
    assert [*bare_factories(module), *named_runtime(module)] == []
