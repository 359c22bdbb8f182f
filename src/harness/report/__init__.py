"""The reports of a run: pure functions of what is stored, for people (HTML, Markdown) and for tools (JUnit, SARIF)."""
