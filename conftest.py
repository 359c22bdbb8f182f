"""Root of every suite: loads the harness's plugin and the fixture modules."""

pytest_plugins = (
    "harness.engines.pytest_plugin",
    "fixtures.targets",
    "fixtures.platforms",
    "fixtures.production",
    "fixtures.pages",
)
