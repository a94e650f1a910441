"""Releasing one image: what changed, which version that asks for, what has to be true, and the act.

What decides is pure (`version`, `changelog`); `flow` carries a release out.
"""
