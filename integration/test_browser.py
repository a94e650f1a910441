"""A person's whole path in a real browser: from signing up to signing out, found by role and label.

Pictures of the stations are kept below `.test-logs/screenshots/`.
"""

import re
from collections.abc import Callable
from urllib.parse import urljoin

import pyotp
from playwright.sync_api import Dialog, Error, Page

from jhub_docker.catalog.identity import LABEL
from jhub_testing.browser import Window
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import wait_until

NOTEBOOK = """import marimo

app = marimo.App()


@app.cell
def _():
    x = 2
    return (x,)


@app.cell
def _(x):
    x * 21
    return


@app.cell
def _():
    import marimo as mo
    return (mo,)


@app.cell
def _(mo):
    _df = mo.sql(
        f\"\"\"
        SELECT 40 AS answer
        \"\"\"
    )
    return
"""
"""A marimo notebook whose second cell depends on the first one, and whose last one is SQL."""


def test_a_stranger_signs_up_works_in_every_interface_and_leaves(
    open_window: Callable[[], Window], platform: Platform, admin: Person
) -> None:
    person = Person(platform.url, "viewer")
    window = open_window()
    sign_up(window, person)
    approve(open_window(), admin, person.name)
    window.sign_in(person.name, person.password)
    recovery_code = set_up_a_second_factor(window)
    window.see(window.page.get_by_role("link", name="Home"), "signed-in")

    window.start("JupyterLab")
    compute_a_cell_in_jupyterlab(window)
    be_helped_with_a_cell_in_jupyterlab(window)
    be_led_to_what_a_program_serves(window)
    show_a_notebook_to_others(window)
    run_out_of_memory_in_jupyterlab(window)
    window.stop()

    window.start("VS Code")
    edit_a_file_and_run_a_command_in_vs_code(window)
    window.stop()

    window.start("marimo")
    recompute_a_cell_in_marimo(window)
    window.stop()

    window.page.get_by_role("button", name="Logout").click()
    window.see(window.page.get_by_role("heading", name="Sign in"), "signed-out")
    window.sign_in(person.name, person.password)
    window.see(window.page.get_by_label("Code from your authenticator app"), "second-factor")
    window.page.get_by_label("Code from your authenticator app").fill(recovery_code)
    window.page.get_by_role("button", name="Sign in").click()
    window.see(window.page.get_by_role("button", name="Logout"))
    window.close()


def test_a_second_server_is_added_opened_stopped_and_deleted(
    open_window: Callable[[], Window], make_person: MakePerson, platform: Platform
) -> None:
    person, window = make_person("manifold"), open_window()
    page = window.page
    window.sign_in(person.name, person.password)
    window.see(page.get_by_role("link", name="Home")).click()
    name = window.see(page.get_by_role("textbox", name="Name"))
    name.fill("My second desk")
    page.get_by_role("button", name="Add").click()
    window.see(page.get_by_role("group", name="marimo")).get_by_role("radio", name="Small").check()
    page.get_by_role("button", name="Start").click()
    window.see(page.get_by_text("Welcome", exact=False).or_(page.get_by_role("tree")))
    assert f"/user/{person.name}/my-second-desk" in page.url
    (container,) = platform.servers(person.name)
    assert container.labels[f"{LABEL}.server"] == "my-second-desk"

    window.open("/hub/home")
    window.see(page.get_by_role("link", name="Open My second desk"), "two-servers")
    window.see(page.get_by_role("link", name="Start Default server"))
    window.see(page.get_by_role("button", name="More time for your server My second desk"))
    page.get_by_role("button", name="Stop My second desk").click()
    delete = window.see(page.get_by_role("button", name="Delete My second desk"))
    assert not platform.servers(person.name)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        if len(asked) == 1:
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", answer)
    delete.click()
    assert asked == ["Delete the server “My second desk”? Your files stay."]
    assert delete.is_enabled()
    delete.click()
    window.see(page.get_by_role("list").filter(has=page.get_by_role("heading", name="Default")))
    page.get_by_role("heading", name="My second desk").wait_for(state="detached")
    window.close()


def sign_up(window: Window, person: Person) -> None:
    page = window.page
    window.open("/")
    window.see(page.get_by_role("link", name="Sign up"), "login").click()
    page.get_by_label("Username").fill(person.name)
    page.get_by_label("Password:", exact=True).fill(person.password)
    page.get_by_label("Password again").fill(person.password)
    page.get_by_label("Set up a second factor when I first sign in").check()
    page.get_by_role("button", name="Sign up").click()
    waiting = page.get_by_role("status").filter(has_text="approve")
    window.see(waiting, "waiting-for-approval")
    window.sign_in(person.name, person.password)
    window.see(page.get_by_text("not been authorized").or_(page.get_by_text("not approved")))


def approve(window: Window, admin: Person, name: str) -> None:
    page = window.page
    window.sign_in(admin.name, admin.password)
    window.see(page.get_by_role("button", name="Logout"))
    window.open("/hub/authorize")
    window.see(page.get_by_role("button", name=f"Approve: {name}"), "approve").click()
    disable = window.see(page.get_by_role("button", name=f"Disable: {name}"))
    asked: list[str] = []

    def think_better_of_it(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", think_better_of_it)
    disable.click()
    assert asked == [f"Disable the account {name}? All sessions end and all servers stop."]
    window.open("/hub/authorize")
    window.see(page.get_by_role("button", name=f"Disable: {name}"))
    window.close()


def set_up_a_second_factor(window: Window) -> str:
    """Set it up as the sign-up asked for; returns a recovery code."""
    page = window.page
    window.see(page.get_by_role("heading", name="Second factor"))
    begin = page.get_by_role("button", name="Set up")
    if begin.is_visible():
        begin.click()
    key = window.see(page.locator("#totp-key"), "second-factor-set-up").inner_text()
    page.get_by_label("Code from your app").fill(pyotp.TOTP(key).now())
    page.get_by_role("button", name="Confirm").click()
    go_on = window.see(page.get_by_role("link", name="I have kept them"), "recovery-codes")
    code = page.get_by_role("main").get_by_role("listitem").first.inner_text()
    go_on.click()
    return code


def compute_a_cell_in_jupyterlab(window: Window) -> None:
    page = window.page
    launcher = page.get_by_role("main").get_by_role("button", name="Python 3")
    window.see(launcher, "jupyterlab").click()
    # What is run before the kernel listens would be lost.
    window.see(page.get_by_text("Python 3 (ipykernel) | Idle"))
    page.get_by_role("main").get_by_role("textbox").last.click()
    page.keyboard.insert_text(
        "from pathlib import Path\n"
        'Path("notes.txt").write_text("from-lab")\n'
        f'Path("sums.py").write_text({NOTEBOOK!r})\n'
        'print("computed", 6 * 7)'
    )
    page.keyboard.press("Shift+Enter")
    window.see(page.get_by_text("computed 42", exact=True), "jupyterlab-computed")
    assert "Build with Agent" not in page.content(), "no AI features were asked for"


def be_helped_with_a_cell_in_jupyterlab(window: Window) -> None:
    """The language server proposes what could be meant, and underlines what cannot be right."""
    page = window.page
    proposed = page.locator(".jp-Completer-item").filter(has_text="PurePosixPath")
    wrong = page.locator("[class*=cm-lintRange]")

    def is_proposed() -> bool:
        """As people do, again where nothing comes: a server that has just started may not know."""
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        page.keyboard.press("Control+a")
        page.keyboard.type("from pathlib import Pure")
        page.keyboard.press("Tab")
        proposed.first.wait_for(timeout=10_000)
        return True

    wait_until(is_proposed, "the completion", ignoring=Error)
    window.see(proposed, "jupyterlab-completed").click()
    for line in ("undefined_name", "undefined_too"):
        page.keyboard.type(f"\nprint(PurePosixPath, {line})")
        window.see(wrong.filter(has_text=line), f"jupyterlab-{line}")
    page.keyboard.press("Control+a")
    page.keyboard.type("print('right')")
    wrong.first.wait_for(state="detached")
    page.keyboard.press("Control+a")


def be_led_to_what_a_program_serves(window: Window) -> None:
    """A program says where it is from where it is; a frame and a link lead there from here."""
    page = window.page
    page.evaluate(
        """() => {
          const [frame, link] = ["iframe", "a"].map((name) => document.createElement(name));
          frame.src = "http://localhost:8050/map?zoom=2";
          link.href = "http://127.0.0.1:8050/";
          link.id = "printed";
          document.body.append(frame, link);
          link.dispatchEvent(new Event("pointerdown", { bubbles: true }));
        }"""
    )
    there = "/user/viewer/proxy/8050/"
    frame = page.locator(f"iframe[src$='{there}map?zoom=2']")
    link = page.locator(f"a#printed[href$='{there}']")
    for one in (frame, link):
        one.wait_for(state="attached")
        one.evaluate("(element) => element.remove()")


def choose_of_the_menu_file(window: Window, label: str, field: str) -> Page:
    """The hub's form that an item opens; its field has the notebook that is in front."""
    page = window.page
    with page.context.expect_page() as opened:
        window.choose(page.get_by_role("menuitem", name="File", exact=True), label)
    path = opened.value.get_by_label(field)
    path.wait_for()
    assert path.input_value() == "Untitled.ipynb"
    return opened.value


def show_a_notebook_to_others(window: Window) -> None:
    """By the menu, and by a link that leads colleagues to what is shown; a program, which is not,
    can be run at its times as a notebook can.
    """
    page = window.page
    choose_of_the_menu_file(window, "Run on a schedule…", "File in your home").close()
    published = choose_of_the_menu_file(window, "Publish…", "Publish a notebook of your home")
    published.get_by_role("button", name="Publish", exact=True).click()
    published.frame_locator("iframe").get_by_text("Path").first.wait_for()
    published.screenshot(path=window.folder / "published-one.png")
    published.get_by_role("link", name="All published notebooks").click()
    published.get_by_role("link", name="Untitled.ipynb").wait_for()
    published.screenshot(path=window.folder / "published.png")
    published.close()

    page.context.grant_permissions(["clipboard-read"])
    file = page.get_by_role("listitem", name=re.compile("Untitled.ipynb"))
    window.choose(file, "Publish…", "right", press=False)
    window.keep_picture("jupyterlab-file")
    page.keyboard.press("Escape")
    window.choose(file, "Copy Shareable Link", "right")

    def is_copied() -> bool:
        link: str = page.evaluate("navigator.clipboard.readText()")
        return link.endswith("/hub/link/viewer/lab/tree/Untitled.ipynb")

    wait_until(is_copied, "the link to be copied")
    program = page.get_by_role("listitem", name=re.compile("sums.py"))
    window.choose(program, "Run on a schedule…", "right", press=False)
    assert page.get_by_role("menuitem", name="Publish…").count() == 0
    page.keyboard.press("Escape")
    page.get_by_role("main").get_by_role("textbox").last.click()
    page.keyboard.press("Control+a")


def run_out_of_memory_in_jupyterlab(window: Window) -> None:
    """The limit is in view, and what happened is said in the tab where it did."""
    page = window.page
    window.see(page.get_by_text(re.compile(r"^Memory .* of 2\.0 GB · Idle stop in \d+ min$")))
    page.keyboard.insert_text("len(bytearray(b'x') * (4 * 2**30))")
    page.keyboard.press("Shift+Enter")
    told = page.get_by_role("alert").filter(has_text="Out of memory")
    window.see(told.get_by_text("needed more than the 2 GB the server has"), "out-of-memory")


def edit_a_file_and_run_a_command_in_vs_code(window: Window) -> None:
    """The file was written in JupyterLab: both see one home."""
    page = window.page
    window.see(page.get_by_text(re.compile(r"of 2\.0 GB · idle stop in \d+ min")))
    with window.page.context.expect_page() as opened:
        window.see(page.get_by_role("button", name="Hub", exact=True)).click()
    opened.value.wait_for_url("**/hub/home")
    opened.value.close()
    files = page.get_by_role("tree", name="Files Explorer")
    window.see(files.get_by_role("treeitem", name="README.md"))
    assert files.get_by_role("treeitem", name=".my-packages").count() == 0
    window.see(files.get_by_role("treeitem", name="notes.txt"), "vscode").dblclick()
    window.see(page.get_by_role("code").get_by_text("from-lab"))
    # The elements that take the keys are there for keyboards and screen readers, not to be seen.
    page.get_by_role("textbox", name="notes.txt").focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("-and-vscode")
    page.keyboard.press("Control+s")
    page.keyboard.press("Control+`")
    said = files.get_by_role("treeitem", name="said-from-lab-and-vscode.txt")

    def is_said() -> bool:
        """It is there before the shell is, and what one types then is nobody's."""
        page.get_by_role("textbox", name="Terminal").focus()
        page.keyboard.type("touch said-$(cat notes.txt).txt\n")
        said.wait_for(timeout=20_000)
        return True

    wait_until(is_said, "the terminal to take what is typed", ignoring=Error)
    window.see(said, "vscode-edited")
    assert "Build with Agent" not in page.content(), "no AI features were asked for"


def recompute_a_cell_in_marimo(window: Window) -> None:
    """The notebook was written in JupyterLab, too."""
    page = window.page
    window.see(page.get_by_role("treeitem", name="welcome.py"))
    way_back = window.see(page.get_by_role("link", name="Hub", exact=True))
    assert way_back.get_attribute("href") == "/hub/home"
    window.see(page.get_by_role("treeitem", name="sums.py"), "marimo")
    link = page.get_by_role("treeitem", name="sums.py").get_by_role("link")
    address = urljoin(page.url, link.get_attribute("href") or "?file=sums.py")
    window.open(address.removeprefix(window.url))
    first, second = page.get_by_role("textbox").first, page.get_by_role("textbox").nth(1)
    window.see(second).click()
    page.keyboard.press("Control+Enter")
    window.see(page.get_by_text("42", exact=True))
    first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("x = 3")
    page.keyboard.press("Control+Enter")
    # The second cell follows by itself.
    window.see(page.get_by_text("63", exact=True), "marimo-recomputed")
    query_in_marimo(window)


def query_in_marimo(window: Window) -> None:
    """Type a SQL cell and run it, twice: marimo's linter looks at what is typed by the very
    connection that then runs it.
    """
    page = window.page
    query = page.get_by_role("textbox").filter(has_text="SELECT")
    for amount in (501, 502):
        window.see(query).click()
        page.keyboard.press("Control+a")
        page.keyboard.type(f"SELECT {amount} + 1 AS answer", delay=20)
        page.keyboard.press("Control+Enter")
        window.see(page.get_by_text(str(amount + 1), exact=True), f"marimo-queried-{amount}")
