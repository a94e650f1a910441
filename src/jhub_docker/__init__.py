"""The library behind `tasks.py`: it builds, tests, ships and runs the platform's images."""
