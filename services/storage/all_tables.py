"""Every table of the house: a module called `tables` or `..._tables` below this package is one, by its name."""

import pkgutil
from importlib import import_module

from services import storage


def load_tables() -> None:
    """Import all of them, so that their classes are in the metadata of services.storage.tables.Base."""
    for module in pkgutil.walk_packages(storage.__path__, f"{storage.__name__}."):
        name = module.name.rpartition(".")[2]
        if (
            (name == "tables" or name.endswith("_tables"))
            and name != "all_tables"
            and ".migrations." not in module.name
        ):
            import_module(module.name)
