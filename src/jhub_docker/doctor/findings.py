"""What can be found, each under a code of its own, and what was found.

docs/doctor.md is written from `CODES`. A code is never used again for something else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker.table import counted

ERROR, WARNING = "error", "warning"

IN_THE_WAY = frozenset(("JD001", "JD002", "JD004", "JD005", "JD006", "JD020", "JD022", "JD030"))
"""Errors with which no upgrade is begun: engine, disks, settings, secrets, database. With others,
such as a hub that has ended, it may be the cure."""


@dataclass(frozen=True)
class Code:
    """What a code stands for: a title, what it means, what to do."""

    title: str
    means: str
    do: str


@dataclass(frozen=True)
class Finding:
    """One thing that was found: its code, a sentence, and whether the platform is well with it."""

    code: str
    says: str
    severity: str = ERROR
    subject: str = ""
    """What `--fix` has to know to mend it; empty where it mends nothing of it."""

    def told(self) -> dict[str, str]:
        """All there is to say of it, for programs."""
        known = CODES[self.code]
        return {
            "code": self.code,
            "severity": self.severity,
            "says": self.says,
            "means": known.means,
            "do": known.do,
        }


@dataclass(frozen=True)
class Examined:
    """What an examination found, and what it could not look at, each with the reason."""

    findings: tuple[Finding, ...]
    not_seen: Mapping[str, str]

    @property
    def well(self) -> bool:
        """Whether no finding is an error; a warning is none."""
        return all(one.severity != ERROR for one in self.findings)

    @property
    def verdict(self) -> str:
        """One line."""
        errors = sum(one.severity == ERROR for one in self.findings)
        found = [
            counted(number, word)
            for number, word in ((errors, ERROR), (len(self.findings) - errors, WARNING))
            if number
        ]
        return f"{'Well' if self.well else 'Not well'}: {' and '.join(found) or 'nothing found'}."

    def before_an_upgrade(self) -> tuple[list[str], list[str]]:
        """What is in the way of an upgrade, and what else there is to know before one."""
        listed = [(one, f"{one.code} {CODES[one.code].title}: {one.says}") for one in self.findings]
        wrong = [said for one, said in listed if one.severity == ERROR and one.code in IN_THE_WAY]
        return wrong, [said for _, said in listed if said not in wrong]

    def told(self) -> dict[str, Any]:
        """The whole of it, for programs."""
        return {
            "well": self.well,
            "verdict": self.verdict,
            "findings": [one.told() for one in self.findings],
            "not_looked_at": dict(self.not_seen),
        }

    def text(self) -> str:
        """The whole of it, for people: the verdict first, errors before warnings."""
        lines = [self.verdict]
        for one in sorted(self.findings, key=lambda one: (one.severity, one.code)):
            known = CODES[one.code]
            says = one.says.replace("\n", "\n  ")
            lines += ["", f"{one.code} {one.severity}: {known.title}", f"  {says}"]
            lines += [f"  {known.means}", f"  Do: {known.do}"]
        if self.not_seen:
            lines.append("")
        lines += [f"Not looked at: {what} ({why})" for what, why in self.not_seen.items()]
        return "\n".join(lines)


def found(code: str, says: Iterable[str], severity: str = ERROR) -> list[Finding]:
    """A finding of one code for each sentence."""
    return [Finding(code, one, severity) for one in says]


CODES: Mapping[str, Code] = {
    "JD001": Code(
        "No Docker Engine answers",
        "Nothing of the platform can be seen. What runs may well go on.",
        "Start Docker; on Debian as root `./dev invoke engine.start`. A user who may not use it "
        "joins the group `docker`.",
    ),
    "JD002": Code(
        "Engine or client is too old, or lacks something",
        "Builds or starts fail, some in the middle.",
        "Upgrade the engine, or install the plugin that is named.",
    ),
    "JD003": Code(
        "A restart of the engine ends people's servers",
        "The engine does not keep containers while it is restarted, as an upgrade of it does.",
        "What the finding says, at a quiet time.",
    ),
    "JD004": Code(
        "The engine's disk is filling up",
        "When it is full builds fail, servers do not start, and programs in them cannot write.",
        "`./dev invoke clean` lists what nobody needs, with sizes, and removes it when you say so; "
        "see `docker system df` for the rest.",
    ),
    "JD005": Code(
        "The data volume's disk is filling up",
        "When it is full no server starts and what people save is lost; the log-in page says so.",
        "`./dev invoke clean`; else make room on the disk that holds the volume, or move Docker's "
        "data to a larger one. The hub goes on meanwhile, and starts: admins can log in.",
    ),
    "JD006": Code(
        "Inodes are running out",
        "A file system that has none left is full, whatever space it has: as with JD004 and JD005.",
        "Remove many small files: old images first (`./dev invoke clean`).",
    ),
    "JD007": Code(
        "Images or build cache take much space",
        "Nothing needs it now: what no container uses, and steps that BuildKit keeps.",
        "`./dev invoke clean` takes old builds of this checkout and cache that no build used for a "
        "day; `docker image prune` what others left.",
    ),
    "JD008": Code(
        "The engine's clock differs from this machine's",
        "Codes of second factors hold for 30 seconds, and backups and logs get wrong times.",
        "Set both by NTP (`timedatectl set-ntp true`).",
    ),
    "JD009": Code(
        "The engine's storage driver is not made for this",
        "`vfs` copies a whole image for each container; a file system without d_type loses files.",
        "Give the engine `overlay2` on ext4, or on xfs with ftype=1, or containerd's image store.",
    ),
    "JD010": Code("The platform does not run", "Nobody can log in.", "`./dev invoke up`"),
    "JD011": Code(
        "A service does not run as it should",
        "It is missing, has ended, starts again and again, or does not answer its health check.",
        "`./dev invoke logs` with its name says why, `./dev invoke up` starts it again.",
    ),
    "JD012": Code(
        "A service runs another image than this checkout's",
        "It was built anew or another tag was set since: what was mended there does not run yet.",
        "`./dev invoke up`; only a new proxy ends connections.",
    ),
    "JD013": Code(
        "Ports are published otherwise than the settings say",
        "The platform listens where nobody expects it, perhaps to everybody, or not where it "
        "should.",
        "`./dev invoke up` makes the container anew; see who changed it. `JHUB_BIND` and "
        "`JHUB_PORT` say where.",
    ),
    "JD014": Code(
        "The hub does not answer from outside",
        "People see an error instead of the log-in page; servers that run go on.",
        "`./dev invoke logs -s hub`, `./dev invoke logs -s proxy`; a firewall between here and the "
        "engine's machine looks the same.",
    ),
    "JD015": Code(
        "The firewall is off",
        "People's servers can reach this host's own ports, its networks and the cloud's metadata.",
        "Take `JHUB_FIREWALL=off` back, unless all people are trusted as much as the host.",
    ),
    "JD016": Code(
        "Server addresses overlap with this host's networks",
        "What is at those addresses cannot be reached, and the firewall cannot be put in place.",
        "Set `JHUB_ADDRESS_POOL` to addresses nobody uses, then `./dev invoke up`.",
    ),
    "JD017": Code(
        "Versions of JupyterHub do not agree",
        "The hub offers no image of another major version, and cannot look after such a server.",
        "Build or pull images of the hub's version, and let people start their servers again.",
    ),
    "JD018": Code(
        "Something is left over",
        "It takes memory, addresses or disk, and nobody uses it.",
        "`./dev invoke up` has the hub look and removes what an interrupted start left, `./dev "
        "invoke clean` what drills and services that are no more left; what the finding still "
        "names then is for `docker rm -f` or `docker network rm`.",
    ),
    "JD019": Code(
        "The public address does not lead to the hub",
        "Asked from here, the address that people are told gives something else than the hub.",
        "Look at the proxy in front of the platform and at the name's address; from within a "
        "network the public address may be out of reach while all is well.",
    ),
    "JD020": Code(
        "A setting is wrong",
        "The platform would not start, or not as it was meant.",
        "Correct it in `.env` or the environment; `./dev invoke config.check` says the same.",
    ),
    "JD021": Code(
        "Others can read .env",
        "It holds a secret, and every user of this machine can read it.",
        "`chmod 600 .env`, and change the secret if others use this machine.",
    ),
    "JD022": Code(
        "A secret is missing or cannot be used",
        "Without its secrets the hub does not start again, everybody is logged out, or second "
        "factors cannot be read.",
        "Restore it from a backup (`./dev invoke restore --hub`). A missing cookie secret or proxy "
        "token is made anew by the next start; a missing crypt key loses all second factors.",
    ),
    "JD023": Code(
        "Others can read the hub's secrets",
        "In the hub's container only its user may: 0700 for folders, 0600 for files.",
        "In the hub's container (`docker compose exec hub`) `chmod` what is named.",
    ),
    "JD024": Code(
        "Second factors cannot be opened",
        "The crypt key is not the one they were sealed with: their people cannot log in.",
        "Bring the right key back (`./dev invoke restore --hub`), or take the factors away on the "
        "page People.",
    ),
    "JD025": Code(
        "The certificate of the public address ends soon",
        "From then on browsers refuse the platform. What renews it by itself does so earlier.",
        "Renew it, and see why it was not: the log of the proxy in front of the platform.",
    ),
    "JD026": Code(
        "Websockets do not come through",
        "Pages open, and kernels, terminals and editors in them do not work.",
        "The proxy in front of the platform has to pass `Upgrade` on: docs/tls.md has the lines.",
    ),
    "JD027": Code(
        "The hub takes visitors for somebody else",
        "Failed log-ins are counted by address: one person's would hold up everybody, or nobody's "
        "would count.",
        "Name the proxies in front in `JHUB_TRUSTED_PROXIES`, none too many, and have the first "
        "replace `X-Forwarded-For`: docs/tls.md.",
    ),
    "JD028": Code(
        "A container's configuration shows a secret",
        "Whoever may use Docker sees it with `docker inspect`; so do support bundles of others.",
        "`./dev invoke secrets.set NAME` keeps it as a file; then take the variable out of `.env`, "
        "and `./dev invoke up`.",
    ),
    "JD029": Code(
        "A secret that was made anew is still taken in its older form",
        "Whoever has the older one can use it until it is dropped.",
        "`./dev invoke secrets.rotate NAME --drop`; it says what ends.",
    ),
    "JD030": Code(
        "The database is damaged or cannot be read",
        "Accounts, groups and what runs are in it. A hub that is restarted may not come up.",
        "Back up what there is (`docker compose cp`), then `./dev invoke restore --hub`.",
    ),
    "JD031": Code(
        "A home is full",
        "Its person cannot save, and their server may not start. It has a disk of its own.",
        "Let the person remove files, or make that volume larger.",
    ),
    "JD032": Code(
        "Servers do not trust what this machine does",
        "Where the network inspects TLS, `uv add`, `%pip install` and `git` in a server say "
        "`UnknownIssuer` or `CERTIFICATE_VERIFY_FAILED`.",
        "Name the network's CA in `JHUB_CA_BUNDLE`, a file on the Docker host, then "
        "`./dev invoke up`; servers have it from their next start on.",
    ),
    "JD040": Code(
        "No backup is set up",
        "A lost disk loses everybody's work.",
        "Set `JHUB_BACKUP_TO` and run `./dev invoke backup`: docs/backup.md.",
    ),
    "JD041": Code(
        "The last backup is old or failed",
        "What came since it would be lost.",
        "`./dev invoke backup`; `./dev invoke backup.list` says how it went. Both with the "
        "backup's `--to` where `JHUB_BACKUP_TO` is not set.",
    ),
    "JD042": Code(
        "Backups were not tried out lately",
        "Whether they come back is known by restoring them alone.",
        "`./dev invoke backup.drill`, with the backup's `--to` where `JHUB_BACKUP_TO` is not set.",
    ),
    "JD050": Code(
        "A server can reach what it may not",
        "A container on a network like a server's reached it just now: the firewall does not hold.",
        "`./dev invoke logs -s guard`, `./dev invoke up`; until it holds again, trust no server.",
    ),
    "JD051": Code(
        "The engine gives no GPU",
        "Servers of the profiles in `JHUB_GPU_PROFILES` do not start, or not with this device.",
        "Install driver and NVIDIA Container Toolkit on the host (`nvidia-ctk runtime configure`, "
        "`nvidia-ctk cdi generate`; [GPUs](gpus.md)), or take it out of the setting.",
    ),
}
