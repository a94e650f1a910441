"""What a person may call a further server. Pure."""

from jupyterhub.slugs import is_valid_safe_slug

from hub_config.spawning.offer.choice import shown

RULE = (
    "it takes 1 to 30 characters, small letters a-z, digits and single hyphens, beginning with a "
    "letter and not ending with a hyphen"
)
"""jupyterhub 6.1, slugs.py, is_valid_safe_slug; such a name is safe in all names made from it."""

ROUTES = frozenset(
    {
        "api", "consoles", "custom", "doc", "edit", "files", "git", "hub", "jhub-activity",
        "kernelspecs", "lab", "login", "logout", "lsp", "marimo", "mermaid", "metrics",
        "nbclassic", "nbconvert", "nbdime", "nbextensions", "notebooks", "oauth", "proxy",
        "server-proxy", "services", "static", "terminals", "tree", "user", "user-redirect",
        "view", "voila", "vscode",
    }
)  # fmt: skip
"""First parts of paths that a single-user server answers: a server of that name would take those of
the person's server without a name (`/user/ann/api/…`). An image test holds them against the routes
that the images have."""


def complaint(name: str) -> str:
    """Why a server cannot be called so, and what it could be called; empty when it can."""
    if not is_valid_safe_slug(name):
        return f"{shown(name)} cannot be a server's name: {RULE}."
    if name in ROUTES:
        return (
            f"{shown(name)} cannot be a server's name, since it is a path of every server: call it "
            f"{name}-2, for example."
        )
    return ""
