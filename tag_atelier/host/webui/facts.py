"""What this WebUI says of itself when somebody asks for diagnostics; names only, never a value that may be a path."""

from __future__ import annotations

from pathlib import Path

from modules import paths, shared

from tag_atelier.host.webui.features import unsupported


def facts() -> dict[str, object]:
    """``version``, ``flags``, ``extensions`` and ``unsupported``; see ``ports.Host.facts``."""
    from modules import extensions, launch_utils

    tag = getattr(launch_utils, "git_tag", None)
    return {
        "version": tag() if callable(tag) else "",
        "flags": flags(),
        "extensions": [one.name for one in extensions.extensions if one.enabled and not one.is_builtin],
        "unsupported": unsupported(Path(paths.script_path)),
    }


def flags() -> list[str]:
    """Command line flags that were given, without what they were set to."""
    from modules import shared_cmd_options

    default = shared_cmd_options.parser.get_default
    given = (name for name, value in vars(shared.cmd_opts).items() if value != default(name))
    return sorted(f"--{name.replace('_', '-')}" for name in given)
