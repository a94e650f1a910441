"""MLflow for each person and group of a platform (docs/tracking.md)."""
