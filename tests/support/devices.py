"""A device with passkeys, as far as a server can tell: keys, a counter, and signatures over what it is asked."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class Device:
    """One key. `counts` is whether it counts its uses; what a test sets otherwise, it lies about."""

    origin: str = "http://localhost"
    counts: bool = True
    verifies: bool = True
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    handle: bytes = b""

    def create(self, options: str, **lies: Any) -> str:
        """The answer to `navigator.credentials.create`."""
        asked = json.loads(options)
        self.handle = base64url_to_bytes(asked["user"]["id"])
        point = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        authenticator = self._facts(asked["rp"]["id"], _HAS_KEY) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": authenticator})
        client = self._client("webauthn.create", asked["challenge"], lies)
        return self._sent({"clientDataJSON": client, "attestationObject": attestation}, transports=["internal"])

    def get(self, options: str, **lies: Any) -> str:
        """The answer to `navigator.credentials.get`."""
        asked = json.loads(options)
        self.count += self.counts
        client = self._client("webauthn.get", asked["challenge"], lies)
        facts = self._facts(lies.get("rp_id", asked["rpId"]), 0)
        signature = self.key.sign(facts + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": facts, "signature": signature}
        return self._sent(parts | {"userHandle": lies.get("handle", self.handle)})

    def _facts(self, rp_id: str, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, lies: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin} | lies.get("client", {})
        return json.dumps(told).encode()

    def _sent(self, parts: dict[str, bytes], **more: Any) -> str:
        id = bytes_to_base64url(self.id)
        response = {name: bytes_to_base64url(part) for name, part in parts.items()} | more
        return json.dumps({"id": id, "rawId": id, "type": "public-key", "response": response})
