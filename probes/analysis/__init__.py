"""From score tables to estimates: every analysis of one tuned model beside its base."""
