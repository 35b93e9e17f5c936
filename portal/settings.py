"""Settings of the desk. Everything that differs between installations comes from the environment
(`portal.env`); there is one settings module and no secret has a default."""

import sys
from pathlib import Path

import django_stubs_ext
from botocore.config import Config
from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal import env, providers
from portal.celery import transport_options

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.flag("DJANGO_DEBUG")
SECRET_KEY = env.text("DJANGO_SECRET_KEY")
SECRET_KEY_FALLBACKS = env.items("DJANGO_SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.items("DJANGO_ALLOWED_HOSTS") or ["localhost", "127.0.0.1"]

# What is Gatehouse's own. See .env.example for the meaning of each.
GATEHOUSE_DESK_URL = env.text("GATEHOUSE_DESK_URL", "http://localhost:8000").rstrip("/")
GATEHOUSE_ENCRYPTION_KEYS = env.items("GATEHOUSE_ENCRYPTION_KEYS")
GATEHOUSE_QUEUE_URL = env.text("GATEHOUSE_QUEUE_URL", "")
GATEHOUSE_SIGNING_KEY = env.text("GATEHOUSE_SIGNING_KEY", "")
GATEHOUSE_ACCOUNTS = env.items("GATEHOUSE_ACCOUNTS")
GATEHOUSE_READER_ACCOUNTS = env.items("GATEHOUSE_READER_ACCOUNTS")
GATEHOUSE_READER_EXTERNAL_ID = env.text("GATEHOUSE_READER_EXTERNAL_ID", "")
GATEHOUSE_TRUSTED_ROLES = env.items("GATEHOUSE_TRUSTED_ROLES")
GATEHOUSE_PASS_HOURS = env.number("GATEHOUSE_PASS_HOURS", 24)
GATEHOUSE_DECISIONS_TABLE = env.text("GATEHOUSE_DECISIONS_TABLE", "gatehouse-decisions")
GATEHOUSE_DEV_WAIT_ORIGIN = env.origin("GATEHOUSE_DEV_WAIT_ORIGIN")
GATEHOUSE_DEV_CERT_ORIGIN = env.origin("GATEHOUSE_DEV_CERT_ORIGIN")
GATEHOUSE_FROM_EMAIL = env.text("GATEHOUSE_FROM_EMAIL", "desk@gatehouse.example")
GATEHOUSE_RECONCILE = env.flag("GATEHOUSE_RECONCILE", default=True)
GATEHOUSE_SYNC_MINUTES = env.number("GATEHOUSE_SYNC_MINUTES", 15)
GATEHOUSE_PUBLISHER_ROLE = env.text("GATEHOUSE_PUBLISHER_ROLE", "")
GATEHOUSE_TEMPLATE_BUCKET = env.text("GATEHOUSE_TEMPLATE_BUCKET", "")
GATEHOUSE_FILES_BUCKET = env.text("GATEHOUSE_FILES_BUCKET", "")
GATEHOUSE_REPLY_DOMAIN = env.text("GATEHOUSE_REPLY_DOMAIN", "").lower()
GATEHOUSE_MAIL_BUCKET = env.text("GATEHOUSE_MAIL_BUCKET", "")
GATEHOUSE_PROXIES = env.number("GATEHOUSE_PROXIES", 1)
BEHIND_PROXY = env.flag("GATEHOUSE_BEHIND_PROXY")

SECURE = GATEHOUSE_DESK_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "anymail",
    "csp",
    "django_htmx",
    "pgtrigger",
    "portal",
    "portal.accounts",
    "catalog",
    "approvals",
]

MIDDLEWARE = [
    "portal.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.static_files.Server",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.bodies.BodyLimit",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.accounts.middleware.SessionEnds",
    "portal.accounts.middleware.PersonPreferences",
    "portal.accounts.second_factor.SecondFactorFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "approvals.context.navigation",
            ],
            "builtins": ["portal.templatetags.elements"],
        },
    }
]

# Migrations need the owner of the tables; everything else runs as the application role, which may not
# change the audit trail (approvals.database).
_migrating = sys.argv[1:2] == ["migrate"]
_application = env.database("DATABASE_URL")
_database = env.database("DATABASE_OWNER_URL", "DATABASE_URL") if _migrating else _application
# A process that vanishes in the middle of a verb must not hold its request's row until TCP notices.
_patience = "" if _migrating else "-c idle_in_transaction_session_timeout=30s -c lock_timeout=10s"
_database["OPTIONS"] |= {"connect_timeout": 5, "application_name": "gatehouse", "options": _patience}
DATABASES = {"default": _database | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}
GATEHOUSE_APP_ROLE = _application["USER"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# scrypt is memory-hard and costs a tenth of PBKDF2's time on the desk's processors.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = [
    "email*",
    "password1*",
]  # without the second, allauth drops the password from sign-in
ACCOUNT_FORMS = {
    "login": "portal.accounts.forms.SignInForm",
    "request_login_code": "portal.accounts.forms.CodeForm",
    "change_password": "portal.accounts.password_forms.ChangeForm",
    "set_password": "portal.accounts.password_forms.SetForm",
    "reset_password": "portal.accounts.password_forms.ResetForm",
    "reset_password_from_key": "portal.accounts.password_forms.ResetKeyForm",
}
# docs/decisions/0008: `_ip` counts one address of the network, `_here` that and one account together, `_known` one
# browser that its person has signed in with before.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    # Also of digits and recovery codes, which no `_ip` counts before.
    "login_failed": "10/m/ip,100/h/key",
    "login_failed_ip": "10/m/ip",
    "login_failed_here": "20/h/key",
    "login_failed_known": "10/15m/key",
    "request_login_code": "",  # allauth's own count of what `code` counts
    "code": "30/h/key",
    "code_ip": "20/m/ip",
    "code_here": "5/h/key",
    "code_known": "5/15m/key",
    "reset_password": "20/m/ip,10/h/key",
    # Pages of a sign-in at a provider; each sign-in opens two or three.
    "provider": "60/m/ip",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 300
# Of the link to a new password: its mail says one hour.
PASSWORD_RESET_TIMEOUT = 3600
# For how long a person counts as having just proved who they are: portal.accounts.stepup.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_CHANGE_EMAIL = False
# When a way to sign in changes: portal.accounts.changes has the words.
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_ADAPTER = "portal.accounts.adapter.MFAAdapter"
MFA_TOTP_ISSUER = "Gatehouse"
# Passkeys of a demo at http://localhost; browsers make none at any other address without TLS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
# Nobody types an address of their own here: administrators and AWS say them, and allauth's book of addresses is unused.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {"add_webauthn": "portal.accounts.forms.PasskeyForm"}
MFA_SUPPORTED_TYPES = env.items("GATEHOUSE_MFA") or ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = "webauthn" in MFA_SUPPORTED_TYPES
USERSESSIONS_TRACK_ACTIVITY = False
# Who is led to set up a second factor before anything else: portal.accounts.second_factor.
GATEHOUSE_MFA_REQUIRED = env.choice("GATEHOUSE_MFA_REQUIRED", ("none", "administrators", "deciders"))
GATEHOUSE_OIDC = providers.oidc()
GATEHOUSE_SAML = providers.saml()
GATEHOUSE_GROUPS = providers.groups("GATEHOUSE_GROUPS")
GATEHOUSE_NEW_PEOPLE = env.choice("GATEHOUSE_NEW_PEOPLE", ("all", "groups", "none"))
# Whether people whom a provider knows may come in another way too: portal.accounts.bound.
GATEHOUSE_SIGN_IN = env.choice("GATEHOUSE_SIGN_IN", ("any", "providers"))
SOCIALACCOUNT_ADAPTER = "portal.accounts.signin.adapter.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": GATEHOUSE_OIDC}, "saml": {"APPS": GATEHOUSE_SAML}}
# A link, not a form: browsers hold forms to `form-action`, through every redirect of a provider.
SOCIALACCOUNT_LOGIN_ON_GET = True

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_SERIALIZER = "portal.sessions.EncryptedSerializer"
# From signing in, and without a sign of life: portal.accounts.middleware.SessionEnds.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = 2 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-gatehouse" if SECURE else "gatehouse"
CSRF_COOKIE_NAME = "__Host-gatehouse-csrf" if SECURE else "gatehouse-csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [GATEHOUSE_DESK_URL]
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
# Subdomains and browsers' preload lists are the domain owner's choice.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.flag("GATEHOUSE_HSTS_PRELOAD")
SECURE_REFERRER_POLICY = "same-origin"
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Whose limit an attempt counts against. Without a proxy of ours X-Forwarded-For is what the caller likes to write.
ALLAUTH_TRUSTED_PROXY_COUNT = GATEHOUSE_PROXIES if BEHIND_PROXY else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
# How much each view reads, portal.bodies says. This is for those that read more than usual: a message that is too
# long is refused with its text kept.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "gatehouse_cache",
        # The memory of the rate limits: when it is full, a third of it goes, whatever it counts.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Sign-in mails leave inside the request, so their client gives up early; all other mail goes through the
# outbox (approvals.outbox).
EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
ANYMAIL = {
    "AMAZON_SES_CLIENT_PARAMS": {
        "config": {"connect_timeout": 2, "read_timeout": 3, "retries": {"total_max_attempts": 1}}
    }
}
DEFAULT_FROM_EMAIL = f"Gatehouse <{GATEHOUSE_FROM_EMAIL}>"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
LANGUAGE_COOKIE_NAME = "gatehouse-language"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = SECURE
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.static_files.Storage"},
    # Files of messages (approvals.talk.files). Their keys are random: nothing is looked up before it is written.
    "files": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": GATEHOUSE_FILES_BUCKET,
            "file_overwrite": True,
            "object_parameters": {"ServerSideEncryption": "AES256"},
            "client_config": Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2}),
            "max_memory_size": 1024 * 1024,
        },
    },
}

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "sqs://")
CELERY_TASK_DEFAULT_QUEUE = "gatehouse-work"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_POOL = "threads"  # docs/decisions: the worker's pool
CELERY_WORKER_CONCURRENCY = 4
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(CELERY_BROKER_URL, 10)
if CELERY_BROKER_URL.startswith("sqs"):
    # A local queue is asked again at once; AWS's holds an empty answer back, well within the client's patience.
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "polling_interval": 0.05,
        "wait_time_seconds": 0 if env.text("AWS_ENDPOINT_URL", "") else 5,
    }
# Keeps nothing: every entry comes round within minutes, and Celery's file of last runs is a pickle.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"


def _every(task: str, seconds: float) -> dict[str, object]:
    """A beat entry that expires before its successor comes: after an outage one sweep runs, not hundreds."""
    return {"task": task, "schedule": schedule(seconds), "options": {"expires": seconds}}


CELERY_BEAT_SCHEDULE = {
    "send signals that wait": _every("approvals.tasks.drain_signals", 2),
    "send mails that wait": _every("approvals.tasks.drain_deliveries", 5),
    "close expired requests": _every("approvals.tasks.expire_requests", 2),
    "answer updates whose time is over": _every("approvals.tasks.lapse_updates", 2),
    "remind of deadlines": _every("approvals.tasks.remind", 30),
    "warn of decisions CloudFormation never heard": _every("approvals.tasks.warn_of_untold_decisions", 60),
    "follow stacks": _every("approvals.tasks.follow_stacks", 3),
    "find stacks the desk never heard of": _every("approvals.tasks.reconcile", 60),
    "ask who updates": _every("approvals.tasks.name_updaters", 60),
    "read templates that are asked for": _every("approvals.tasks.read_templates", 5),
    "lint templates that were read": _every("approvals.tasks.lint_templates", 10),
    "publish gated versions": _every("approvals.tasks.publish", 10),
    "show that beat and worker live": _every("approvals.tasks.show_life", 15),
    "take replies by mail": _every("approvals.tasks.take_replies", 10),
    "delete uploads without a message": _every("approvals.tasks.sweep_files", 1800),
    "checkpoint the audit trail": _every("approvals.tasks.checkpoint_audit", 60),
    "wipe what is no longer needed": _every("approvals.tasks.wipe", 300),
    "tidy what is of no use": _every("approvals.tasks.tidy", 3600),
    # Beat counts from its own start: what came once a day would not come where it starts anew every night.
    "forget templates that nothing needs": _every("approvals.tasks.forget_templates", 3600),
    "read the catalogue": _every("approvals.tasks.sync_catalogue", 60),
    "work out how well products are gated": _every("approvals.tasks.cover_catalogue", 30),
}

LOGGING_CONFIG = "portal.logs.configure"
LOGGING = {"level": env.text("GATEHOUSE_LOG_LEVEL", "INFO"), "json": not DEBUG}
