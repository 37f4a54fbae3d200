"""Readers of training data: question–answer pairs, multiple choice and triples, each to a `Stated`."""
