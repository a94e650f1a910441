"""A checkout with image packages and a history of its own."""

from pathlib import Path

import pytest

from jhub_testing.little_checkouts import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """An empty checkout on the branch `main`."""
    return Checkout.make(tmp_path / "checkout")
