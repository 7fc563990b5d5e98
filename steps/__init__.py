"""How the sentences of the features are done: one module per noun, all of them loaded for every suite."""

from pathlib import Path

pytest_plugins = sorted(f"{__name__}.{file.stem}" for file in Path(__file__).parent.glob("[!_]*.py"))
