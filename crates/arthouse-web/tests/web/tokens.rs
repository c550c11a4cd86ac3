//! An identity provider of the tests: an elliptic key, its JWK set, and tokens good and bad.

use arthouse_web::{Identity, KeySource, Roles, TokenRules, TokenSettings};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://login.example.com";
pub(crate) const AUDIENCE: &str = "school";

pub(crate) struct Provider {
    key: EcdsaKeyPair,
}

impl Provider {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random);
        Self {
            key: key.expect("a key"),
        }
    }

    /// Returns the public key as a JWK set.
    pub(crate) fn keys(&self) -> String {
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let key = json!({"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256",
            "x": BASE64.encode(x), "y": BASE64.encode(y)});
        json!({"keys": [key]}).to_string()
    }

    pub(crate) fn identity(&self) -> Identity {
        let rules = TokenRules::new(TokenSettings {
            headers: vec!["authorization".to_owned()],
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            audience_claim: "aud".to_owned(),
            keys: KeySource::Text(self.keys()),
            roles: Roles::default(),
        });
        Identity::Token(rules.expect("a JWK set").into())
    }

    /// Signs claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({"alg": "ES256", "typ": "JWT", "kid": "one"}), claims)
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes());
        format!(
            "{message}.{}",
            BASE64.encode(signature.expect("a signature"))
        )
    }

    /// Makes the token of someone in a role.
    pub(crate) fn token(&self, role: &str, id: &str) -> String {
        self.sign(&claims(role, id))
    }
}

pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

pub(crate) fn claims(role: &str, id: &str) -> Value {
    let now = chrono::Utc::now().timestamp();
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": id, "roles": [role], "iat": now, "exp": now + 600})
}
