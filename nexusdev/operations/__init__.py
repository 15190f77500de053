"""One file per verb. Each takes a Context and returns a frozen Outcome: data for programs, words and tables for people."""
