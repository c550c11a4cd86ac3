//! Tokens of an identity provider (RFC 7519), signed with a key of its JWK set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use tracing::{info, warn};

use super::signatures::{self, ALGORITHMS};
use super::{Roles, Viewer};
use crate::problem::Problem;

/// How much the clocks of the provider and of this machine may differ, in seconds.
const LEEWAY_SECONDS: u64 = 30;
/// A key that is not known is looked for once in so long, so that forged tokens can't make us ask the provider for each.
const REFRESH: Duration = Duration::from_secs(60);

/// Where the provider's public keys are.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// At an address, which is asked again when a token names another key.
    Url(String),
    /// In a text: a JWK set (RFC 7517).
    Text(String),
}

/// What a token must be like.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The headers that it may come in; the first one that is there counts, and `Bearer` before the token is left out.
    pub headers: Vec<String>,
    /// Who must have issued it (`iss`).
    pub issuer: String,
    /// For whom it must be.
    pub audience: String,
    /// The claim that says for whom it is: `aud`, or `client_id` in access tokens of Cognito.
    pub audience_claim: String,
    /// Where the keys are.
    pub keys: KeySource,
    /// Which claims say who someone is.
    pub roles: Roles,
}

/// The check of tokens, with the keys that are known.
#[derive(Debug)]
pub struct TokenRules {
    settings: TokenSettings,
    known: Mutex<Known>,
}

#[derive(Debug, Clone)]
struct Known {
    keys: Arc<JwkSet>,
    asked_at: Option<Instant>,
}

impl TokenRules {
    /// Makes the check.
    ///
    /// # Errors
    /// Says what is wrong with a given JWK set.
    pub fn new(settings: TokenSettings) -> Result<Self, String> {
        signatures::install();
        let keys = match &settings.keys {
            KeySource::Url(_) => JwkSet { keys: Vec::new() },
            KeySource::Text(text) => {
                serde_json::from_str(text).map_err(|_| "the keys are not a JWK set")?
            }
        };
        let known = Known {
            keys: Arc::new(keys),
            asked_at: None,
        };
        Ok(Self {
            settings,
            known: Mutex::new(known),
        })
    }

    /// Returns whom the token of a request names; nobody if there is none, or it is not valid.
    ///
    /// # Errors
    /// The provider's keys can't be had.
    pub(crate) async fn viewer(&self, headers: &HeaderMap) -> Result<Option<Viewer>, Problem> {
        let mut given = self
            .settings
            .headers
            .iter()
            .filter_map(|name| headers.get(name));
        let Some(token) = given.next().and_then(|value| value.to_str().ok()) else {
            return Ok(None);
        };
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        // Also an algorithm that is not known, such as `none`, is no header.
        let Ok(header) = decode_header(token) else {
            return Ok(None);
        };
        if !ALGORITHMS.contains(&header.alg) {
            return Ok(None);
        }
        let Some(jwk) = self.key(header.kid.as_deref()).await? else {
            return Ok(None);
        };
        let Ok(key) = DecodingKey::from_jwk(&jwk) else {
            return Ok(None);
        };
        let claims = decode::<Map<String, Value>>(token, &key, &self.validation(header.alg));
        let Ok(claims) = claims.map(|token| token.claims) else {
            return Ok(None);
        };
        Ok(if self.is_for_us(&claims) {
            self.settings.roles.viewer(&claims)
        } else {
            None
        })
    }

    fn validation(&self, algorithm: jsonwebtoken::Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        // Looked at below, since the claim may have another name.
        validation.validate_aud = false;
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation
    }

    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        let is_it = |given: &Value| given.as_str() == Some(&self.settings.audience);
        match claims.get(&self.settings.audience_claim) {
            Some(Value::Array(given)) => given.iter().any(is_it),
            Some(given) => is_it(given),
            None => false,
        }
    }

    async fn key(&self, kid: Option<&str>) -> Result<Option<Jwk>, Problem> {
        let known = self.known();
        if let Some(key) = find(&known.keys, kid) {
            return Ok(Some(key));
        }
        let KeySource::Url(url) = &self.settings.keys else {
            return Ok(None);
        };
        let is_fresh = known.asked_at.is_some_and(|at| at.elapsed() < REFRESH);
        if is_fresh && !known.keys.keys.is_empty() {
            return Ok(None);
        }
        let read = fetch(url).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Also if there was no answer, so that forged tokens don't ask for it again and again.
        known.asked_at = Some(Instant::now());
        match read {
            Ok(keys) => {
                let count = keys.keys.len();
                info!(count, "the identity provider's keys were read");
                known.keys = Arc::new(keys);
                Ok(find(&known.keys, kid))
            }
            Err(error) => {
                warn!(error, "can't read the identity provider's keys");
                let detail =
                    "the identity provider's keys can't be read now; try again in a moment";
                Err(Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "UNAVAILABLE",
                    detail,
                ))
            }
        }
    }

    fn known(&self) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}

/// Finds the key with an id; a token without an id means the only key.
fn find(keys: &JwkSet, kid: Option<&str>) -> Option<Jwk> {
    match (kid, keys.keys.as_slice()) {
        (Some(kid), _) => keys.find(kid).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

async fn fetch(url: &str) -> Result<JwkSet, String> {
    let body = arthouse_worker::fetch(url).await;
    let body = body.map_err(|error| arthouse_worker::chain(&error))?;
    serde_json::from_slice(&body).map_err(|_| "the answer is not a JWK set".to_owned())
}
