"""Where everything is mounted."""

from django.contrib import admin
from django.urls import include, path

from imagineer import api
from imagineer.robots import robots_txt

urlpatterns = [
    path("robots.txt", robots_txt, name="robots"),
    path("api/", api.missing),
    path("api/", api.urls()),
    path("api/<path:rest>", api.missing),
    path("accounts/", include("imagineer.accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("gallery.urls")),
    path("", include("generation.urls")),
]
