"""The pages. State changes by POST with XSRF token only.

NativeAuthenticator 1.3's own handlers answer 500 at log-in on JupyterHub 6, approve on GET, and
compute bcrypt on the event loop; these replace them.
"""

from jupyterhub.handlers import BaseHandler

from hub_config.login.handlers.entry import (
    ChangePasswordHandler,
    CodeHandler,
    LoginHandler,
    SignUpHandler,
)
from hub_config.login.handlers.people import (
    AccountHandler,
    AddPeopleHandler,
    AuthorizeHandler,
    DiscardHandler,
    PeopleHandler,
)
from hub_config.login.handlers.second_factor import SecondFactorHandler
from hub_config.login.handlers.user import USER, AccountUserHandler

ROUTES: list[tuple[str, type[BaseHandler]]] = [
    (r"/login", LoginHandler),
    (r"/login/code", CodeHandler),
    (r"/signup", SignUpHandler),
    (r"/change-password", ChangePasswordHandler),
    (r"/second-factor", SecondFactorHandler),
    (r"/second-factor/(begin|confirm|remove|recovery-codes)", SecondFactorHandler),
    (r"/authorize", PeopleHandler),
    (r"/people", AddPeopleHandler),
    (r"/authorize/([^/]+)", AuthorizeHandler),
    (r"/discard/([^/]+)", DiscardHandler),
    (
        r"/accounts/([^/]+)/"
        r"(make-admin|remove-admin|reset-password|reset-second-factor|disable|enable)",
        AccountHandler,
    ),
    (USER, AccountUserHandler),
]
