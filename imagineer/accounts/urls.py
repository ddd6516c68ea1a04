"""The addresses of signing in and out; allauth's others are not mounted.

Its pages for setting a password and for managing addresses let an account outlive ADMIN_EMAILS.
The names stay allauth's own, because its views go from one to another by name.
"""

from allauth.account import views as account
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.google import views as google
from django.urls import path
from django.views.generic import TemplateView

# A sign-up by form would be asked for where a Google account needs another user name or address.
closed = TemplateView.as_view(template_name="account/signup_closed.html")

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", closed, name="account_signup"),
    path("google/login/", google.oauth2_login, name="google_login"),
    path("google/login/callback/", google.oauth2_callback, name="google_callback"),
    path("3rdparty/signup/", closed, name="socialaccount_signup"),
    path("3rdparty/login/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("3rdparty/login/error/", social.login_error, name="socialaccount_login_error"),
]
