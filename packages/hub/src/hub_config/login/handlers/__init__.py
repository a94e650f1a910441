"""The pages, a module each. State changes by POST with XSRF token only.

NativeAuthenticator 1.3's own handlers answer 500 at log-in on JupyterHub 6, approve on GET, and
compute bcrypt on the event loop; these replace them.
"""

from jupyterhub.handlers import BaseHandler

from hub_config.login.handlers.change_password import ChangePasswordHandler
from hub_config.login.handlers.login import CodeHandler, LoginHandler
from hub_config.login.handlers.people import AccountHandler, AuthorizeHandler, DiscardHandler
from hub_config.login.handlers.people_list import PeopleHandler
from hub_config.login.handlers.second_factor import SecondFactorHandler
from hub_config.login.handlers.sign_up import SignUpHandler

ROUTES: list[tuple[str, type[BaseHandler]]] = [
    (r"/login", LoginHandler),
    (r"/login/code", CodeHandler),
    (r"/signup", SignUpHandler),
    (r"/change-password", ChangePasswordHandler),
    (r"/second-factor", SecondFactorHandler),
    (r"/second-factor/(begin|confirm|remove|recovery-codes)", SecondFactorHandler),
    (r"/authorize", PeopleHandler),
    (r"/authorize/([^/]+)", AuthorizeHandler),
    (r"/discard/([^/]+)", DiscardHandler),
    (
        r"/accounts/([^/]+)/"
        r"(make-admin|remove-admin|reset-password|reset-second-factor|disable|enable)",
        AccountHandler,
    ),
]
