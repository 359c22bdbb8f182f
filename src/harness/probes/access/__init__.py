"""Who gets at what: each operation and page, as everybody, with whosever object."""
