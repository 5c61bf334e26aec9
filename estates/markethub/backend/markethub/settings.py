"""Settings: everything that differs between environments comes from the environment (backend-config, in Kubernetes)."""

import os

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "markethub.urls"
WSGI_APPLICATION = "markethub.wsgi.application"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["shop.measured.Measured"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False

RELEASE = os.environ.get("RELEASE", "2.4.0")

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DB_HOST"],
        "PORT": os.environ.get("DB_PORT", "5432"),
        "NAME": os.environ.get("DB_NAME", "markethub"),
        "USER": os.environ.get("DB_USER", "markethub"),
        "PASSWORD": os.environ.get("DB_PASSWORD", ""),
        "OPTIONS": {
            "connect_timeout": 2,
            "application_name": "backend",
            "pool": {
                "min_size": int(os.environ.get("DB_POOL_MIN", "5")),
                "max_size": int(os.environ.get("DB_POOL_MAX", "20")),
                "timeout": float(os.environ.get("DB_POOL_TIMEOUT", "2")),
                "max_idle": 60,
            },
        },
    }
}

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "CONNECTION_POOL_KWARGS": {"max_connections": 50},
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
        },
    }
}

PAYMENTS_URL = os.environ.get("PAYMENTS_URL", "")
PAYMENTS_KEY_ID = os.environ.get("PAYMENTS_KEY_ID", "")
PAYMENTS_KEY_SECRET = os.environ.get("PAYMENTS_KEY_SECRET", "")
PAYMENTS_WEBHOOK_SECRET = os.environ.get("PAYMENTS_WEBHOOK_SECRET", "")
PAYMENT_SANDBOX_KEY = os.environ.get("PAYMENT_SANDBOX_KEY", "")
STATSD_ADDRESS = os.environ.get("STATSD_ADDRESS", "")

LOGGING = {
    "version": 1,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s", "datefmt": "%Y-%m-%dT%H:%M:%S%z"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "file": {"class": "logging.FileHandler", "filename": os.environ.get("LOG_FILE", "/dev/null"), "formatter": "line"},
    },
    "root": {"handlers": ["stderr", "file"], "level": "INFO"},
    "loggers": {"django.request": {"level": "CRITICAL"}, "psycopg.pool": {"level": "ERROR"}},
}
