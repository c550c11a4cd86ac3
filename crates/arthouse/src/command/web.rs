//! `arthouse web`: the API, the pages and the calendar feeds.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::{Context, Result};
use arthouse_core::UserId;
use arthouse_web::{
    Identity, KeySource, Limiter, Roles, Secret, Settings, TokenRules, TokenSettings, Web,
    is_loopback,
};
use arthouse_worker::{Clock, Stack};
use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::positive;
use super::start::Start;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::{Exit, signals};

/// The heading of the options about tokens.
const TOKENS: &str = "Identity provider";

/// Where it listens, and who may see what.
///
/// On loopback, without an identity provider, whoever uses this machine chooses a role in the page. Anywhere else it does not start without
/// one: a proxy or load balancer logs people in and sends a signed token with each request.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address to listen at; port 0 takes a free port and logs it
    #[arg(long, env = "ARTHOUSE_WEB_ADDRESS", default_value = "127.0.0.1:4567")]
    address: SocketAddr,
    /// The names by which it may be called, such as school.example.com; requests for other hosts are refused
    #[arg(
        long = "host",
        env = "ARTHOUSE_WEB_HOSTS",
        value_name = "NAME",
        value_delimiter = ','
    )]
    hosts: Vec<String>,
    /// What calendar links and forms are signed with, at least 32 characters: the same for all processes, kept over restarts
    #[arg(long, env = "ARTHOUSE_WEB_SECRET", hide_env_values = true, value_parser = Secret::parse)]
    secret: Option<Secret>,
    /// Make the calendar links invalid that a student has had, such as ada=2026-11-28; another text makes the next ones invalid, too
    #[arg(long = "revoke-calendar", env = "ARTHOUSE_WEB_REVOKED_CALENDARS", value_name = "USER=TEXT", value_delimiter = ',', value_parser = revoked)]
    revoked: Vec<(UserId, String)>,
    /// The most requests a minute of one person
    #[arg(long, env = "ARTHOUSE_WEB_RATE_LIMIT", value_name = "REQUESTS", default_value = "600", value_parser = positive::<NonZeroU32>)]
    rate_limit: NonZeroU32,
    #[command(flatten)]
    tokens: Tokens,
    #[command(flatten)]
    start: Start,
}

/// Whose tokens are accepted.
#[derive(Debug, Args)]
#[command(next_help_heading = TOKENS)]
struct Tokens {
    /// Who issues the tokens (`iss`), such as https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc
    #[arg(
        long = "token-issuer",
        env = "ARTHOUSE_TOKEN_ISSUER",
        value_name = "ISSUER",
        requires = "audience",
        requires = "keys"
    )]
    issuer: Option<String>,
    /// For whom the tokens must be
    #[arg(
        long = "token-audience",
        env = "ARTHOUSE_TOKEN_AUDIENCE",
        value_name = "AUDIENCE",
        requires = "issuer"
    )]
    audience: Option<String>,
    /// The claim that says for whom they are: aud, or client_id in Cognito's access tokens
    #[arg(
        long = "token-audience-claim",
        env = "ARTHOUSE_TOKEN_AUDIENCE_CLAIM",
        value_name = "CLAIM",
        default_value = "aud"
    )]
    audience_claim: String,
    /// Where the provider's public keys are: the URL of a JWK set, or a file with one
    #[arg(
        long = "token-keys",
        env = "ARTHOUSE_TOKEN_KEYS",
        value_name = "URL|FILE",
        requires = "issuer"
    )]
    keys: Option<String>,
    /// The headers that tokens may come in, such as x-amzn-oidc-accesstoken, cf-access-jwt-assertion; the first that is there counts
    #[arg(
        long = "token-header",
        env = "ARTHOUSE_TOKEN_HEADER",
        value_name = "HEADER",
        default_value = "authorization",
        value_delimiter = ','
    )]
    headers: Vec<String>,
    /// The claim with the id of a person, of a student the user id
    #[arg(
        long = "id-claim",
        env = "ARTHOUSE_ID_CLAIM",
        value_name = "CLAIM",
        default_value = "sub"
    )]
    id_claim: String,
    /// The claim with a person's roles or groups, such as cognito:groups
    #[arg(
        long = "role-claim",
        env = "ARTHOUSE_ROLE_CLAIM",
        value_name = "CLAIM",
        default_value = "roles"
    )]
    role_claim: String,
    /// What the office has in that claim
    #[arg(
        long = "admin-role",
        env = "ARTHOUSE_ADMIN_ROLE",
        value_name = "VALUE",
        default_value = "admin"
    )]
    admin: String,
    /// What teachers have in that claim
    #[arg(
        long = "instructor-role",
        env = "ARTHOUSE_INSTRUCTOR_ROLE",
        value_name = "VALUE",
        default_value = "instructor"
    )]
    instructor: String,
    /// What students have in that claim; * makes students of all others
    #[arg(
        long = "student-role",
        env = "ARTHOUSE_STUDENT_ROLE",
        value_name = "VALUE",
        default_value = "student"
    )]
    student: String,
}

fn revoked(text: &str) -> Result<(UserId, String), String> {
    let (user_id, since) = text
        .split_once('=')
        .ok_or("must be a student, = and a text")?;
    let user_id: UserId = user_id.parse().map_err(|error| format!("{error}"))?;
    Ok((user_id, since.to_owned()))
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let settings = options.settings()?;
    let shutdown = signals::shutdown()?;
    let listener = listen(options.address).await?;
    let Some(stack) = options.start.stack(deployment, &shutdown).await? else {
        return Ok(Exit::Success);
    };
    info!(address = %listener.local_addr()?, "serving pages and the API");
    serve(listener, stack, settings, shutdown).await?;
    info!("the web server has ended");
    Ok(Exit::Success)
}

/// Takes a port.
///
/// # Errors
/// Says which one is not free.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("can't listen on {address} for pages and the API"))
}

/// Serves until `shutdown` fires.
///
/// # Errors
/// Says why it can't go on.
pub(super) async fn serve(
    listener: TcpListener,
    stack: Stack,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<()> {
    let web = Web::new(stack, settings);
    let served = arthouse_web::serve(web, listener, shutdown).await;
    served.context("the web server has stopped")
}

/// Returns the settings on one's own machine: roles are chosen in the page, and links stay valid as long as the data.
///
/// # Errors
/// Says why the secret can't be kept.
#[cfg(feature = "local")]
pub(super) fn local_settings(data: &std::path::Path) -> Result<Settings> {
    /// Nobody else is kept waiting on one's own machine.
    const RATE: NonZeroU32 = NonZeroU32::new(100_000).expect("it is not zero");
    let path = data.join("web-secret");
    let secret = match fs::read_to_string(&path) {
        Ok(secret) => secret,
        Err(_) => {
            let secret = format!("{}{}", uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
            let written = fs::write(&path, &secret);
            written.with_context(|| format!("can't write {}", path.display()))?;
            secret
        }
    };
    Ok(Settings {
        identity: Identity::Chosen,
        hosts: Vec::new(),
        secret: Secret::parse(&secret)?,
        revoked_feeds: BTreeMap::new(),
        limiter: Limiter::new(RATE),
        clock: Clock::system(),
    })
}

impl Options {
    fn settings(&self) -> Result<Settings> {
        let identity = self.tokens.identity()?;
        let is_open = !is_loopback(self.address);
        let is_chosen = matches!(identity, Identity::Chosen);
        if is_open && is_chosen {
            return Err(bad(format!(
                "{} can be reached from other machines: name an identity provider (--token-issuer, --token-audience, --token-keys), \
                 or listen on 127.0.0.1",
                self.address
            )));
        }
        if is_open && self.hosts.is_empty() {
            return Err(bad(
                "say by which name it is called: --host, such as school.example.com",
            ));
        }
        let secret = match &self.secret {
            Some(secret) => secret.clone(),
            None if is_open => {
                return Err(bad(
                    "give a secret that stays the same: --secret or ARTHOUSE_WEB_SECRET",
                ));
            }
            None => Secret::random(),
        };
        Ok(Settings {
            identity,
            hosts: self.hosts.clone(),
            secret,
            revoked_feeds: self.revoked.iter().cloned().collect(),
            limiter: Limiter::new(self.rate_limit),
            clock: Clock::system(),
        })
    }
}

impl Tokens {
    fn identity(&self) -> Result<Identity> {
        let (Some(issuer), Some(audience), Some(keys)) = (&self.issuer, &self.audience, &self.keys)
        else {
            return Ok(Identity::Chosen);
        };
        let keys = if keys.starts_with("https://") || keys.starts_with("http://") {
            KeySource::Url(keys.clone())
        } else {
            let text = fs::read_to_string(keys);
            KeySource::Text(text.map_err(|error| bad(format!("can't read {keys}: {error}")))?)
        };
        let rules = TokenRules::new(TokenSettings {
            headers: self.headers.clone(),
            issuer: issuer.clone(),
            audience: audience.clone(),
            audience_claim: self.audience_claim.clone(),
            keys,
            roles: Roles {
                id_claim: self.id_claim.clone(),
                role_claim: self.role_claim.clone(),
                admin: self.admin.clone(),
                instructor: self.instructor.clone(),
                student: self.student.clone(),
            },
        });
        Ok(Identity::Token(Arc::new(rules.map_err(bad)?)))
    }
}

fn bad(text: impl Into<String>) -> anyhow::Error {
    Failure::BadInput(text.into()).into()
}
