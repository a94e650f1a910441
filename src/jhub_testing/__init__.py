"""A pytest plugin that boots the real images in a real engine and checks what they promise.

Loaded with `-p jhub_testing.plugin`. It is for tests only; nothing that builds or runs the
platform imports it.
"""
