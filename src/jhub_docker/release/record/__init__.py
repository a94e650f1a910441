"""What is said of an image (bill of materials, provenance, signature), and whether it is true.

Everything is read from layouts and registries; no engine is asked.
"""
