"""Where everything is mounted."""

from django.contrib import admin
from django.urls import include, path

from imagineer.api import api

urlpatterns = [
    path("api/", api.urls),
    path("accounts/", include("imagineer.accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("gallery.urls")),
    path("", include("generation.urls")),
]
