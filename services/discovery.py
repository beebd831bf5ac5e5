"""Extension without editing: every module of a package that defines a given name is found by itself."""

import importlib
import pkgutil
from collections.abc import Collection
from types import ModuleType


def discover(package: ModuleType, attribute: str) -> dict[str, object]:
    """Import the modules of `package` and collect `attribute` from those that define it themselves.

    Returns {module name: value}, sorted by module name. Sub-packages count as one module each (their `__init__`).
    Engine modules import without their engine's package, so a module that fails here is a defect and raises.
    """
    found: dict[str, object] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if attribute in vars(module):
            found[info.name] = vars(module)[attribute]
    return found


def chosen(package: ModuleType, value: str, planned: Collection[str] = ()) -> str:
    """Check a setting that names an engine of `package`: "auto", one that is there, or one that is `planned`.

    Raises ValueError listing the choices, as a pydantic validator should.
    """
    choices = sorted({*planned, *discover(package, "ENGINE")})
    if value != "auto" and value not in choices:
        raise ValueError(f"{value!r} is none of auto, {', '.join(choices)}")
    return value
