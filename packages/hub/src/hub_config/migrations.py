"""How older databases become today's: the steps of the platform's own tables, in order.

The revision of a database is how many of them were done, kept in `platform_schema`. A step is plain
SQL, since the classes of tables go on changing and a step may not; it takes what is missing for
nothing to do. A change of a table is one more step at the end.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the guard starts with this module, and wants no SQLAlchemy
    from sqlalchemy import Connection

TABLE = "platform_schema"


def _accounts_by_id(connection: "Connection") -> None:
    """Accounts are known by a key that no rename changes: of older ones, the name they had.

    So nothing that is sealed or digested with a name has to be made anew.
    """
    from sqlalchemy import inspect, text  # noqa: PLC0415

    if not inspect(connection).has_table("platform_accounts"):
        return
    connection.execute(text("ALTER TABLE platform_accounts RENAME TO platform_accounts_by_name"))
    connection.execute(
        text(
            "CREATE TABLE platform_accounts (key VARCHAR(255) NOT NULL PRIMARY KEY,"
            " info_id INTEGER NOT NULL UNIQUE, user_id INTEGER UNIQUE, made FLOAT NOT NULL,"
            " must_change BOOLEAN NOT NULL, disabled BOOLEAN NOT NULL,"
            " wants_second_factor BOOLEAN NOT NULL, first_admin BOOLEAN NOT NULL,"
            " address VARCHAR(64) NOT NULL, full_name VARCHAR(200) NOT NULL)"
        )
    )
    if inspect(connection).has_table("users_info"):
        connection.execute(
            text(
                "INSERT INTO platform_accounts SELECT old.name, info.id, users.id, old.made,"
                " old.must_change, old.disabled, old.wants_second_factor, old.first_admin, '', ''"
                " FROM platform_accounts_by_name AS old"
                " JOIN users_info AS info ON info.id ="
                " (SELECT min(id) FROM users_info WHERE username = old.name)"
                " LEFT JOIN users ON users.name = old.name"
            )
        )
    connection.execute(text("DROP TABLE platform_accounts_by_name"))
    for table in ("platform_second_factors", "platform_recovery_codes"):
        if inspect(connection).has_table(table):
            connection.execute(text(f"ALTER TABLE {table} RENAME COLUMN name TO account"))


STEPS: tuple[Callable[["Connection"], None], ...] = (_accounts_by_id,)


def revision(connection: "Connection") -> int:
    """How many steps this database has been through; 0 for one from before they were counted."""
    from sqlalchemy import inspect, text  # noqa: PLC0415

    if not inspect(connection).has_table(TABLE):
        return 0
    return int(connection.execute(text(f"SELECT revision FROM {TABLE}")).scalar() or 0)  # noqa: S608
