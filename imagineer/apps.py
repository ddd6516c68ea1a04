from django.contrib.admin.apps import AdminConfig


class ImagineerAdminConfig(AdminConfig):
    default_site = "imagineer.console.Console"
