"""What the images share in the engine, layer by layer."""

from jhub_docker.catalog.identity import LABEL
from jhub_testing.resources import Engine


def test_lab_and_vscode_share_code_server_byte_for_byte(engine: Engine) -> None:
    def layers(reference: str) -> list[str]:
        found: list[str] = engine.client.images.get(reference).attrs["RootFS"]["Layers"]
        return found

    lab, vscode = layers("local/uv-lab:latest"), layers("local/uv-vscode:latest")
    shared = [one for one, other in zip(lab, vscode, strict=False) if one == other]
    label = f"{LABEL}.package=code-server"
    parents = engine.client.api.images(filters={"label": label})
    assert any(layers(parent["Id"]) == shared[: len(layers(parent["Id"]))] for parent in parents)
