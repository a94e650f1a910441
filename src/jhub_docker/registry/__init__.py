"""Images in registries: references, who may, transfers that go on after a cut, version tags."""
