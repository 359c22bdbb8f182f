"""One file a verb: `add(subparsers)` declares it, `run(args)` does it. Imported only when the verb is called."""
