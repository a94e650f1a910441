"""The Invoke tasks: each parses its arguments and calls the library. No logic lives here."""
