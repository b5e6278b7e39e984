"""One file per verb group: parse, call one function, print."""
