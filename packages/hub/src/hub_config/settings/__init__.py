"""What can be set on the hub, and how it is found, checked and described.

| module | what it is for |
| --- | --- |
| `declared` | every setting once: name, type, default, meaning, trait, who enforces it |
| `declaration` | how a setting is declared, and what is known of one |
| `values`, `colours`, `destinations` | the types of single values |
| `images`, `providers` | the types of tables of `config.toml`, beside `hub_config.groups` |
| `reading` | environment and file, and what is wrong with them |
| `generated` | the settings in `compose.yaml` and README.md |

Nothing here imports anything of the rest of the hub but `errors`, `variables` and `groups`,
which are below.
"""

from hub_config.settings.declared import Settings

__all__ = ["Settings"]
