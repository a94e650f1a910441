"""What members of a group share: folders, environment variables and secrets.

Which group has what is declared in `config.toml` and decided in `groups`; here it gets into a
person's container. `secret_files` keeps secrets, `spawner` mounts folders and sets variables.
"""
