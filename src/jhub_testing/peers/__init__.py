"""Programs that run inside containers beside the one under test."""
