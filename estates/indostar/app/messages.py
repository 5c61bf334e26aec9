"""Mail by SendGrid and SMS by Twilio, in their own formats."""

from __future__ import annotations

import os

import httpx

SHOP = "orders@indostarnaturals.com"


def mail(to: str, subject: str, text: str) -> None:
    """Send one mail, or raise httpx.HTTPError."""
    said = {
        "personalizations": [{"to": [{"email": to}]}],
        "from": {"email": SHOP},
        "subject": subject,
        "content": [{"type": "text/plain", "value": text}],
    }
    url, key = os.environ["SENDGRID_URL"], os.environ["SENDGRID_API_KEY"]
    httpx.post(f"{url}/v3/mail/send", json=said, headers={"Authorization": f"Bearer {key}"}, timeout=5).raise_for_status()


def sms(to: str, text: str) -> None:
    """Send one SMS, or raise httpx.HTTPError."""
    account = os.environ["TWILIO_ACCOUNT_SID"]
    url = f"{os.environ['TWILIO_URL']}/2010-04-01/Accounts/{account}/Messages.json"
    form = {"To": to, "From": os.environ["TWILIO_FROM"], "Body": text}
    httpx.post(url, data=form, auth=(account, os.environ["TWILIO_AUTH_TOKEN"]), timeout=5).raise_for_status()
