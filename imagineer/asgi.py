"""The ASGI application that uvicorn serves."""

import os
import sys

from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

from imagineer.body_limit import limit_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagineer.settings")
try:
    application = limit_bodies(get_asgi_application())
except ImproperlyConfigured as error:
    # The sentence says what to set; the way to it through Django says nothing.
    sys.exit(str(error))
