"""What a run found, as typed values; knows neither torch nor a model."""
