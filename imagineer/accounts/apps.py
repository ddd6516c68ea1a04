from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "imagineer.accounts"
    label = "accounts"
    verbose_name = "Accounts"
