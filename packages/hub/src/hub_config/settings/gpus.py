"""GPUs: what a profile asks for, and which devices of the host servers may be given. Pure.

A device is called as the engine takes it: `nvidia.com/gpu=0` by a CDI specification (Docker Engine
25 and newer, `features.cdi`), `0`, `0:1` or `GPU-…` by NVIDIA's runtime, which is older. Its kind
is what profiles ask for, in the words of Kubernetes' device plugins, so that a declaration means
the same there.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from hub_config.settings.values import Keys, listed, matching

NVIDIA = "nvidia.com/gpu"
"""What NVIDIA's CDI specification and device plugin call a GPU."""

_KIND = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
_NAME = r"[A-Za-z0-9*]([A-Za-z0-9_.:*-]*[A-Za-z0-9*])?"
"""As the Container Device Interface has them (its SPEC.md, kind and devices); `*` is ours."""

_DEVICE = re.compile(rf"((?P<kind>{_KIND})=)?{_NAME}", re.ASCII)


class Gpus(BaseModel):
    """What a profile asks for: so many devices of one kind. A number alone means NVIDIA's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: Annotated[int, Field(ge=1, le=64, strict=True)] = Field(1, description="How many.")
    kind: Annotated[str, matching(_KIND, f"a kind of device such as {NVIDIA}")] = Field(
        NVIDIA, description="Of what."
    )

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"count": value} if isinstance(value, int) else value

    @property
    def words(self) -> str:
        """In words, such as `1 GPU`."""
        return f"{self.count} {called(self.kind, self.count)}"


def called(kind: str, count: int) -> str:
    """What people call so many of a kind: `GPUs`, or the end of its name, such as `mig-1g.10gb`."""
    if kind == NVIDIA:
        return "GPU" if count == 1 else "GPUs"
    return kind.rpartition("/")[2]


# -- what profiles are granted -----------------------------------------------------------------


def granted(profiles: Collection[str], key: str) -> Gpus | None:
    """What `JHUB_GPU_PROFILES` says of the profile `key`, None where it gives no number."""
    for one in profiles:
        name, equals, asked = one.partition("=")
        if equals and name.strip() == key:
            return _asked(asked)
    return None


def _asked(text: str) -> Gpus:
    count, star, kind = (part.strip() for part in text.partition("*"))
    return Gpus(count=int(count), **({"kind": kind} if star else {}))


def _profiles(entries: frozenset[str]) -> frozenset[str]:
    for one in sorted(entries):
        try:
            if "=" in one:
                _asked(one.partition("=")[2])
        except (ValidationError, ValueError):
            raise ValueError(
                "profiles, each with a number of GPUs and perhaps their kind, such as uv-lab-large="
                f"1, uv-lab-small=1*nvidia.com/mig-1g.10gb (not {one!r})"
            ) from None
    names = [one.partition("=")[0].strip() for one in entries]
    if twice := sorted({one for one in names if names.count(one) > 1}):
        raise ValueError(f"each profile once (not {twice[0]!r} twice)")
    return entries


GpuProfiles = Annotated[Keys, AfterValidator(_profiles)]


# -- what there is to give ---------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """Devices that may be given, as what kind; `*` in `device` stands for any number."""

    device: str
    kind: str

    def covers(self, device: str) -> bool:
        """Whether it means this device."""
        pattern = re.escape(self.device).replace(r"\*", "[0-9]+")
        return re.fullmatch(pattern, device, re.ASCII) is not None


def entries(text: str) -> tuple[Entry, ...]:
    """What `JHUB_GPU_DEVICES` lists; raises ValueError for anything else."""
    return tuple(map(_entry, listed(text)))


def _entry(text: str) -> Entry:
    device, as_, kind = (part.strip() for part in text.partition(" as "))
    found = _DEVICE.fullmatch(device)
    if found is None or (as_ and not re.fullmatch(_KIND, kind, re.ASCII)):
        raise ValueError(
            "devices, separated by commas, `*` for any number, perhaps with a kind of their own, "
            f"such as nvidia.com/gpu=*, nvidia.com/gpu=1:0 as nvidia.com/mig-1g.10gb (not {text!r})"
        )
    return Entry(device, kind or found["kind"] or NVIDIA)


def _devices(text: str) -> str:
    entries(text)
    return text


GpuDevices = Annotated[str, AfterValidator(_devices)]


def kind_of(device: str, listed: Collection[Entry]) -> str | None:
    """What a device counts as, by the first entry that means it; None for one not to be given."""
    return next((one.kind for one in listed if one.covers(device)), None)


def known(listed: Collection[Entry], found: Collection[str] | None) -> Mapping[str, str]:
    """The devices that can be given, in order, each with its kind.

    `found` are the CDI devices that the engine says it has, None where it does not say: then those
    that are written out count, and `*` means none.
    """
    named = {one.device for one in listed if "*" not in one.device}
    there = named if found is None else {*found, *(one for one in named if "=" not in one)}
    kinds = {one: kind_of(one, listed) for one in sorted(there, key=_in_order)}
    return {device: kind for device, kind in kinds.items() if kind is not None}


def _in_order(device: str) -> list[Any]:
    return [int(one) if one.isdigit() else one for one in re.split(r"([0-9]+)", device)]


def complaint(asked: Gpus | None, given: Collection[str], listed: Collection[Entry]) -> str:
    """What is wrong with giving these devices to who asks for so many; empty for nothing."""
    if asked is None:
        return "no device at all" if given else ""
    kinds = {kind_of(one, listed) for one in given}
    if len({*given}) == len(given) == asked.count and kinds == {asked.kind}:
        return ""
    return f"{asked.count} different ones of {asked.kind} that JHUB_GPU_DEVICES lists"
