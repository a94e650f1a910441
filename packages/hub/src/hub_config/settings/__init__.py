"""What can be set on the hub, and how it is found, checked and described.

| module | what it is for |
| --- | --- |
| `platform`, `servers` | every setting once: name, type, default, meaning, trait, who enforces it |
| `declaration` | how a setting is declared, what is known of one, and what other files say of it |
| `values` | the types of single values |
| `gpus` | what profiles ask for and which devices there are to give |
| `tables` | the types of tables of `config.toml`, beside `hub_config.groups` |
| `explaining` | what is wrong with one, in a sentence |
| `reading` | all settings together, from environment and file, and what is wrong with them |
"""

from hub_config.settings.reading import Settings

__all__ = ["Settings"]
