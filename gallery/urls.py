from django.urls import URLPattern, path

from gallery import media_views, views

app_name = "gallery"
urlpatterns: list[URLPattern] = [
    path("", views.latest, name="latest"),
    path("albums/", views.albums, name="albums"),
    path("albums/<slug:slug>/", views.album, name="album"),
    path("tags/", views.tags, name="tags"),
    path("tags/<str:name>/", views.tag, name="tag"),
    path("search/", views.find, name="search"),
    path("images/<int:pk>/", views.image, name="image"),
    path("images/<int:pk>/reveal", views.reveal, name="reveal"),
    path("images/<int:pk>/original", media_views.original, name="original"),
    path("preferences/nsfw", views.choose_nsfw, name="nsfw"),
    path("preferences/theme", views.choose_theme, name="theme"),
    path("i/<slug:key>-<int:width>.webp", media_views.rendition, name="rendition"),
]
