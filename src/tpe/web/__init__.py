"""The server-rendered pages: readable and usable without script, under a content policy that admits none."""
