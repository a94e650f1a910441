"""What stripping must leave in working order: code-server's native modules and its programs."""

import json

from jhub_testing.subject import Subject

NODE = "/opt/code-server/lib/node"
MODULES = "/opt/code-server/lib/vscode/node_modules"


def run(subject: Subject, command: list[str]) -> str:
    """Run a command in a container of the image, and return what it printed."""
    return subject.engine.run(subject.reference, command, network_mode="none")


def node(subject: Subject, script: str) -> str:
    """Run a script in code-server's own Node."""
    return run(subject, [NODE, "-e", script])


def test_terminals_get_a_pty(subject: Subject) -> None:
    script = (
        f"const pty = require('{MODULES}/node-pty');"
        "const t = pty.spawn('sh', ['-c', 'tty && echo ready'], {});"
        "t.onData(d => process.stdout.write(d)); t.onExit(() => process.exit())"
    )
    output = node(subject, script)
    assert "/dev/pts/" in output
    assert "ready" in output


def test_every_native_module_loads(subject: Subject) -> None:
    names = [
        "@parcel/watcher",
        "@vscode/native-watchdog",
        "@vscode/spdlog",
        "@vscode/sqlite3",
        "kerberos",
    ]
    script = f"{json.dumps(names)}.forEach(n => require('{MODULES}/' + n)); console.log('ok')"
    assert node(subject, script).strip() == "ok"


def test_search_has_its_program(subject: Subject) -> None:
    script = (
        f"import('{MODULES}/@vscode/ripgrep-universal/lib/index.js').then(m => "
        "console.log(require('child_process').execFileSync(m.rgPath, ['--version']).toString()))"
    )
    assert node(subject, script).startswith("ripgrep ")


def test_nothing_of_other_platforms_and_no_ai_is_left(subject: Subject) -> None:
    command = ["find", "/opt/code-server", "-name", "*.exe", "-o", "-name", "*.dll"]
    command += ["-o", "-name", "*darwin*.node", "-o", "-name", "*win32*", "-o", "-name", "*.map"]
    command += ["-o", "-path", "*/@github/copilot-sdk", "-o", "-path", "*/extensions/copilot"]
    assert run(subject, command) == ""


def test_licences_stay(subject: Subject) -> None:
    files = ["LICENSE", "ThirdPartyNotices.txt", "lib/node.LICENSE"]
    command = ["ls", *(f"/opt/code-server/{file}" for file in files)]
    assert len(run(subject, command).split()) == len(files)


def test_node_is_on_nobodys_path(subject: Subject) -> None:
    command = ["sh", "-c", "command -v node npm npx || echo none"]
    assert run(subject, command).strip() == "none"


def test_code_compiled_in_the_build_is_used_and_cannot_be_changed(subject: Subject) -> None:
    folder = "/opt/code-server/compile-cache"
    script = f"NODE_DEBUG_NATIVE=COMPILE_CACHE code-server --version 2>&1; find {folder} -writable"
    output = run(subject, ["sh", "-c", script])
    assert "/opt/code-server/out/node/entry.js was accepted" in output
    assert not [line for line in output.splitlines() if line.startswith(folder)]
