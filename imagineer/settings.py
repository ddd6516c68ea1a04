"""All settings, read top to bottom; every value comes from the environment or has a default.

The variables are documented in README.md ("Configuration") and `.env.example`; a test holds
the three together.
"""

import os
import secrets
from decimal import Decimal
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

from imagineer import environment as env
from imagineer.jobs.embedded_redis import socket_path
from labeling.prices import parse_prices

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")

# --- What kind of installation this is ---------------------------------------------------------

PRODUCTION = env.flag("PRODUCTION", default=False)
DEBUG = env.flag("DEBUG", default=False)
DATA_DIR = Path(env.text("IMAGINEER_DATA") or BASE_DIR / "var").resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
SITE_NAME = env.text("SITE_NAME", "Imagineer")
# Whether crawlers are asked not to train models on what they find here.
NOAI = env.flag("NOAI", default=True)
HOST = env.text("HOST") or "127.0.0.1"
PORT = env.number("PORT", 8000, low=1, high=65535)
DEMO = env.flag("DEMO", default=True)


def _kept_secret_key(path: Path) -> str:
    """A key generated once and kept beside the data, for installations that are not public."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    temporary.touch(mode=0o600)
    temporary.write_text(secrets.token_urlsafe(50))
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text().strip()


SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. In production, set it to a long random text "
            "(for example the output of: openssl rand -base64 48)."
        )
    SECRET_KEY = _kept_secret_key(DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = list(env.words("SECRET_KEY_FALLBACKS"))

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

# --- Apps and middleware -----------------------------------------------------------------------

INSTALLED_APPS = [
    "imagineer.apps.ImagineerAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "csp",
    "django_rq",
    "ninja",
    "imagineer.jobs",
    "imagineer.accounts",
    "gallery",
    "labeling",
    "scraping",
    "generation",
    "training",
]

MIDDLEWARE = [
    "imagineer.health.health_middleware",
    "imagineer.robots.robots_middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "imagineer.urls"
ASGI_APPLICATION = "imagineer.asgi.application"
WSGI_APPLICATION = None

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "imagineer.context.site",
            ],
        },
    },
]

# --- Database ----------------------------------------------------------------------------------

DATABASE_URL = env.text("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Four processes writing at once met "database is locked" until all three were set.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA foreign_keys=ON; PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;"
        ),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Queues ------------------------------------------------------------------------------------

# Unset: an embedded Valkey server is started below DATA_DIR (imagineer.jobs.embedded_redis).
REDIS_URL = env.text("REDIS_URL")
REDIS_SOCKET = socket_path(DATA_DIR)
_QUEUE = {
    **({"URL": REDIS_URL} if REDIS_URL else {"UNIX_SOCKET_PATH": str(REDIS_SOCKET), "DB": 0}),
    "DEFAULT_TIMEOUT": -1,
    "SERIALIZER": "rq.serializers.JSONSerializer",
}
RQ_QUEUES = dict.fromkeys(("default", "crawl", "gpu"), _QUEUE)
RQ = {"COMMIT_MODE": "auto"}

# --- Files -------------------------------------------------------------------------------------

MEDIA_ROOT = DATA_DIR / "media"
MODELS_DIR = DATA_DIR / "models"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
AWS_STORAGE_BUCKET_NAME = env.text("AWS_STORAGE_BUCKET_NAME")
AWS_S3_ENDPOINT_URL = env.text("AWS_S3_ENDPOINT_URL") or None
AWS_S3_REGION_NAME = env.text("AWS_S3_REGION_NAME") or None
AWS_S3_FILE_OVERWRITE = False
AWS_DEFAULT_ACL = None
STORAGES = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage"
        if AWS_STORAGE_BUCKET_NAME
        else "gallery.storage.DurableFileSystemStorage"
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MAX_IMAGE_BYTES = env.number("MAX_IMAGE_MB", 50, low=1, high=1000) * 1_000_000
MAX_ARCHIVE_BYTES = env.number("MAX_ARCHIVE_MB", 20_000, low=1, high=10_000_000) * 1_000_000
# Asked before a body is read (imagineer.body_limit); a form with many pictures is one request.
MAX_REQUEST_BYTES = env.number("MAX_REQUEST_MB", 4000, low=1, high=100_000) * 1_000_000
MAX_IMAGE_PIXELS = env.number("MAX_IMAGE_MEGAPIXELS", 100, low=1, high=1000) * 1_000_000
# Pictures that nobody has rated are blurred if they came from here (Image.Source).
VEIL_UNRATED = frozenset(env.words("VEIL_UNRATED", "scraped"))
if VEIL_UNRATED - {"upload", "generated", "scraped", "imported"}:
    raise ImproperlyConfigured(
        "VEIL_UNRATED names sources of pictures: upload, generated, scraped, imported."
    )
# Bits of 64 by which the perceptual hashes of near-duplicates differ at most.
NEAR_DUPLICATE_RADIUS = env.number("NEAR_DUPLICATE_RADIUS", 6, low=0, high=16)
# Where a proxy in front finds the files of MEDIA_ROOT; empty: the web server sends them itself.
X_ACCEL_PREFIX = env.text("X_ACCEL_PREFIX")
TRASH_DAYS = env.number("TRASH_DAYS", 30, low=0, high=3650)
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o644

# --- People ------------------------------------------------------------------------------------

ADMIN_EMAILS = frozenset(address.lower() for address in env.words("ADMIN_EMAILS"))
GOOGLE_CLIENT_ID = env.text("GOOGLE_CLIENT_ID")
GOOGLE_CLIENT_SECRET = env.text("GOOGLE_CLIENT_SECRET")
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/admin/"
ACCOUNT_ADAPTER = "imagineer.accounts.adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "imagineer.accounts.adapter.SocialAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
SOCIALACCOUNT_AUTO_SIGNUP = True
# Google has verified the address, so a local account with the same one is the same person.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_PROVIDERS = {
    "google": {
        "SCOPE": ["profile", "email"],
        "AUTH_PARAMS": {"access_type": "online"},
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [{"client_id": GOOGLE_CLIENT_ID, "secret": GOOGLE_CLIENT_SECRET, "key": ""}]
        if GOOGLE_CLIENT_ID
        else [],
    }
}
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# --- Generation --------------------------------------------------------------------------------

# "builtin", a Hugging Face repository id, or the path of a local diffusers folder.
BASE_MODEL = env.text("BASE_MODEL", "builtin")
DEVICE = env.text("DEVICE", "auto")
# Read by OpenMP when torch is loaded, here and in child processes. Threads that spin while they
# wait for each other made drawing four times slower on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# It advises packages that no part of ours needs.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
MAX_LORAS = 8
MAX_LORA_BYTES = env.number("MAX_LORA_MB", 2000, low=1, high=20_000) * 1_000_000
# What each kind of base model draws best with; the built-in one carries its own figures.
GENERATION_DEFAULTS: dict[str, dict[str, float]] = {
    "sd15": {"steps": 25, "guidance_scale": 7.5, "width": 512, "height": 512, "lora_weight": 0.6},
    "sd2": {"steps": 25, "guidance_scale": 7.5, "width": 768, "height": 768, "lora_weight": 0.6},
    "sdxl": {"steps": 30, "guidance_scale": 6, "width": 1024, "height": 1024, "lora_weight": 0.6},
}

# --- Labeling ----------------------------------------------------------------------------------

ANTHROPIC_API_KEY = env.text("ANTHROPIC_API_KEY")
ANTHROPIC_BASE_URL = env.text("ANTHROPIC_BASE_URL")
CLAUDE_MODEL = env.text("CLAUDE_MODEL", "claude-sonnet-5-5")
# How long Claude thinks before it answers; thinking is paid for as output.
CLAUDE_EFFORT = env.text("CLAUDE_EFFORT", "low").lower()
if CLAUDE_EFFORT not in ("", "low", "medium", "high", "xhigh", "max"):
    raise ImproperlyConfigured(
        "CLAUDE_EFFORT is low, medium, high, xhigh, max, or empty for the model's own default."
    )
# Prices that come before those in labeling.prices, by model.
try:
    CLAUDE_PRICES = parse_prices(env.words("CLAUDE_PRICES"))
except ValueError as error:
    raise ImproperlyConfigured(f"CLAUDE_PRICES: {error}") from None
# What labeling may cost in a calendar month; 0 for no limit.
LABELING_BUDGET_USD = Decimal(str(env.decimal("LABELING_BUDGET_USD", 0, low=0, high=1_000_000)))
# Further labelers: dotted paths of a labeling.labelers.LabelerKind each.
LABELERS = env.words("LABELERS")
# Requests to Claude at the same time.
LABELING_CONCURRENCY = env.number("LABELING_CONCURRENCY", 4, low=1, high=64)
# Captions that are less sure than this are put forward for review; in steps of 0.05.
LABELING_LOW_CONFIDENCE = env.decimal("LABELING_LOW_CONFIDENCE", 0.7, low=0.05, high=1)
# What the local labeler rates with, and from which of its scores on a picture is rated so.
NSFW_MODEL = env.text("NSFW_MODEL") or "open_nsfw"
if NSFW_MODEL not in ("open_nsfw", "nudenet"):
    raise ImproperlyConfigured(f"NSFW_MODEL is {NSFW_MODEL!r}; write open_nsfw or nudenet.")
NSFW_SUGGESTIVE = env.decimal("NSFW_SUGGESTIVE", 0.2, low=0.01, high=0.99)
NSFW_ADULT = env.decimal("NSFW_ADULT", 0.4, low=0.01, high=0.99)
NSFW_EXPLICIT = env.decimal("NSFW_EXPLICIT", 0.8, low=0.01, high=0.99)
if not NSFW_SUGGESTIVE < NSFW_ADULT < NSFW_EXPLICIT:
    raise ImproperlyConfigured(
        "NSFW_SUGGESTIVE, NSFW_ADULT and NSFW_EXPLICIT must rise in this order."
    )
# How sure NudeNet must be of a part of a body.
NSFW_PART = env.decimal("NSFW_PART", 0.5, low=0.01, high=0.99)

# --- Scraping ----------------------------------------------------------------------------------

SCRAPE_USER_AGENT = env.text("SCRAPE_USER_AGENT", "Imagineer/0.1 (self-hosted image collector)")
# A web address or an e-mail address by which sites can reach whoever runs this.
SCRAPE_CONTACT = env.text("SCRAPE_CONTACT")
# Seconds between two requests to one host, at least.
SCRAPE_DELAY = env.decimal("SCRAPE_DELAY", 0.5, low=0, high=60)
# Networks that a crawl may reach although they are private (CIDR, comma-separated).
SCRAPE_ALLOWED_NETWORKS = env.words("SCRAPE_ALLOWED_NETWORKS")
# Hosts that it may reach whatever their address is ("host" or "host:port", comma-separated).
SCRAPE_ALLOWED_HOSTS = env.words("SCRAPE_ALLOWED_HOSTS")
# Ports of all other hosts that it may connect to.
SCRAPE_ALLOWED_PORTS = env.words("SCRAPE_ALLOWED_PORTS", "80,443,8080,8443")
# The Chromium that opens pages which need JavaScript; looked for where empty.
CHROMIUM = env.text("CHROMIUM")

# --- Language and time -------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True

# --- Security ----------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF, "https://accounts.google.com"],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
if env.flag("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Logging -----------------------------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
# Set by supervisord; containers keep their logs apart.
PROGRAM = os.environ.get("SUPERVISOR_PROCESS_NAME", "")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": " ".join(
                filter(None, ["{asctime}", PROGRAM, "{levelname} {name}: {message}"])
            ),
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        **{name: {"level": "WARNING"} for name in ("django.server", "rq.worker", "httpx2")},
        # What libvips says of a file is said again by who decodes it instead.
        "pyvips": {"level": "ERROR"},
    },
}
