from django.urls import URLPattern, path

from generation import views

app_name = "generation"
urlpatterns: list[URLPattern] = [
    path("loras/", views.loras, name="loras"),
    path("loras/<int:pk>/", views.lora, name="lora"),
    path("loras/<int:pk>/file", views.lora_file, name="lora_file"),
    path("templates/", views.templates, name="templates"),
    path("templates/<slug:slug>/", views.template, name="template"),
]
