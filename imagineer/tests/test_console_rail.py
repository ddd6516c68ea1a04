import pytest
from django.test import Client
from django.urls import reverse


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["index", "settings", "password_change"])
def test_it_opens_for_an_admin(admin_client: Client, name: str) -> None:
    response = admin_client.get(reverse(f"admin:{name}"))
    assert response.status_code == 200
    assert 'aria-current="page"' in response.content.decode() or name == "password_change"


@pytest.mark.django_db
def test_blurred_pictures_can_be_shown_from_it(admin_client: Client) -> None:
    address = reverse("admin:gallery_image_duplicates")
    assert "18+: blurred" in admin_client.get(address).content.decode()
    for choice, told in (("show", "18+: shown"), ("blur", "18+: blurred")):
        body = {"choice": choice, "next": address}
        answer = admin_client.post(reverse("gallery:nsfw"), body, follow=True)
        assert answer.redirect_chain == [(address, 302)]
        assert told in answer.content.decode()
