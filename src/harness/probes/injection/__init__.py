"""Values that something takes for more than values: a database, a shell, a browser, a spreadsheet, a client."""
