"""How sentences are done: one module per noun, all loaded with ``pytest -p seatrial.plugin -p steps``."""

from pkgutil import iter_modules

pytest_plugins = [f"{__name__}.{module.name}" for module in iter_modules(__path__)]
