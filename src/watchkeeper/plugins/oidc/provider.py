"""Asks an OpenID Connect provider who somebody is: the authorization code flow with PKCE, state and nonce.

1. `begin` gives the address to send the browser to, with what must be remembered until it comes back.
2. `finish` trades the code for an ID token and believes it only where a key of the provider signed it by a public-key algorithm,
   and issuer, audience, nonce and time are right. Signatures and claims are joserfc's to judge.
What goes wrong at the provider is Refused or Transient, never an exception of a library.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from watchkeeper.base.errors import Refused, Transient
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Oidc

#: signed with the provider's private key; never a shared secret, never "none"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
LEEWAY_S = 60
TIMEOUT_S = 10.0
MOST_BYTES = 500_000
#: how long what the provider says of itself is believed
KNOWN_FOR_S = 600.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and what must be remembered until it comes back."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says of somebody."""

    subject: str
    email: str
    email_verified: bool
    groups: tuple[str, ...]


class OidcProvider:
    """One provider, as watchkeeper.toml names it."""

    def __init__(self, oidc: Oidc) -> None:
        self._oidc = oidc
        self._known: tuple[datetime, dict[str, Any]] | None = None
        self._keys: KeySet | None = None

    async def begin(self, back: str, now: datetime) -> Departure:
        """Give where to send the browser; `back` is the address to which the provider sends it back."""
        metadata = await self._metadata(now)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._oidc.client_id,
            "redirect_uri": back,
            "scope": " ".join(self._oidc.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        where = self._endpoint(metadata, "authorization_endpoint")
        return Departure(f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(asked)}", state, nonce, verifier)

    async def finish(self, given: Mapping[str, str], back: str, verifier: str, nonce: str, now: datetime) -> Claims:
        """Give what the provider says of who came back; Refused where it says nothing that can be believed."""
        metadata = await self._metadata(now)
        if given.get("error") or not given.get("code"):
            said = given.get("error_description") or given.get("error") or "it sent no code"
            raise _refused(f"the provider did not let you in: {said[:200]}")
        if given.get("iss", self._oidc.issuer) != self._oidc.issuer:
            raise _refused("the answer came from another provider than was asked")
        tokens = await self._trade(metadata, given["code"], back, verifier)
        claims = await self._believe(metadata, str(tokens.get("id_token", "")), nonce, now)
        if "email" not in claims and tokens.get("access_token") and "userinfo_endpoint" in metadata:
            more = await self._call(
                "GET", self._endpoint(metadata, "userinfo_endpoint"), authorization=f"Bearer {tokens['access_token']}"
            )
            if more.get("sub") != claims["sub"]:
                raise _refused("the provider spoke of two different people")
            claims = {**more, **claims}
        groups = claims.get(self._oidc.groups_claim)
        named = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        verified = claims.get("email_verified") in (True, "true")
        return Claims(str(claims["sub"]), str(claims.get("email") or ""), verified, tuple(str(each) for each in named))

    async def _trade(self, metadata: Mapping[str, Any], code: str, back: str, verifier: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        secret, basic = self._oidc.client_secret, ""
        raw = secret.reveal() if isinstance(secret, Secret) else secret
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if raw and "client_secret_basic" in methods:
            # RFC 6749, 2.3.1: both are form-encoded first, so that a colon in one of them is no border
            pair = f"{quote_plus(self._oidc.client_id)}:{quote_plus(raw)}"
            basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._oidc.client_id} | ({"client_secret": raw} if raw else {})
        return await self._call("POST", self._endpoint(metadata, "token_endpoint"), form=form, authorization=basic)

    async def _believe(self, metadata: Mapping[str, Any], token: str, nonce: str, now: datetime) -> dict[str, Any]:
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._oidc.issuer},
            aud={"essential": True, "value": self._oidc.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for fresh in (False, True):
            keys = await self._key_set(metadata, fresh=fresh)
            try:
                decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
                registry.validate(decoded.claims)
                break
            except (JoseError, ValueError, TypeError) as problem:
                # a provider may have changed its keys since; anything else is no better with fresh ones
                if fresh:
                    raise _refused(f"its word cannot be believed ({type(problem).__name__})") from None
        audience, party = decoded.claims["aud"], decoded.claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        if (several or party is not None) and party != self._oidc.client_id:
            raise _refused("its word was meant for another application")
        return dict(decoded.claims)

    async def _metadata(self, now: datetime) -> dict[str, Any]:
        if self._known and (now - self._known[0]).total_seconds() < KNOWN_FOR_S:
            return self._known[1]
        found = await self._call("GET", f"{self._oidc.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._oidc.issuer:
            raise _refused(f"the provider calls itself {str(found.get('issuer'))[:200]!r}, not {self._oidc.issuer!r}")
        self._known = (now, found)
        return found

    async def _key_set(self, metadata: Mapping[str, Any], *, fresh: bool) -> KeySet:
        if self._keys is None or fresh:
            found = await self._call("GET", self._endpoint(metadata, "jwks_uri"))
            try:
                # what is not for signing, or of a kind that is not known, is left out instead of spoiling the rest
                usable = [key for key in found.get("keys", []) if key.get("use", "sig") == "sig" and key.get("kty") != "oct"]
                self._keys = KeySet.import_key_set({"keys": usable})
            except (JoseError, ValueError, TypeError, AttributeError):
                raise _refused("its keys cannot be read") from None
        return self._keys

    def _endpoint(self, metadata: Mapping[str, Any], name: str) -> str:
        address = str(metadata.get(name, ""))
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK):
            raise _refused(f"its {name} is {address[:200]!r}, which is not https")
        return address

    async def _call(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        authorization: str = "",
    ) -> dict[str, Any]:
        headers = {"accept": "application/json"} | ({"authorization": authorization} if authorization else {})
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        host = urlsplit(address).hostname
        try:
            async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
                # a redirect could carry the code and the client's secret elsewhere
                asking = session.request(method, address, data=form, allow_redirects=False)
                async with asking as answer:
                    body = await answer.content.read(MOST_BYTES + 1)
                    while len(body) <= MOST_BYTES and not answer.content.at_eof():
                        body += await answer.content.read(MOST_BYTES + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            hint = "The printed address and passwords still open the console."
            raise Transient(f"The provider {host} cannot be asked: {type(problem).__name__}.", hint=hint, code="WK430") from None
        if answer.status >= 500:
            raise Transient(f"The provider {host} cannot be asked: it answered {answer.status}.", code="WK430")
        try:
            found = json.loads(body) if len(body) <= MOST_BYTES else None
        except ValueError:
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            said = f": {found['error']}" if isinstance(found, dict) and isinstance(found.get("error"), str) else ""
            raise _refused(f"{host} answered {answer.status}{said[:200]}")
        return found


def _refused(why: str) -> Refused:
    hint = "Try again from the sign-in page; the log and an owner know more."
    return Refused(f"You are not signed in: {why}.", hint=hint, code="WK334")
