//! What a browser without a script does: cookies, forms, no redirect by itself.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub(crate) struct Browser {
    address: String,
    headers: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.to_str().expect("text").to_owned()
    }

    /// Checks the status and that the page has each of the texts.
    #[track_caller]
    pub(crate) fn check(&self, status: u16, shown: &[&str]) {
        assert_eq!(self.status, status, "{}", self.text);
        for text in shown {
            assert!(self.text.contains(text), "{text:?} is not in {}", self.text);
        }
    }

    /// Returns the hidden values of the last form on the page.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let form = self.text.rsplit("<form").next().expect("a form");
        let inputs = form.split("<input type=\"hidden\" ").skip(1);
        inputs
            .map(|input| {
                let of = |name: &str| {
                    let rest = input
                        .split_once(&format!("{name}=\""))
                        .expect("an attribute")
                        .1;
                    let value = rest.split_once('"').expect("its end").0;
                    value.replace("&amp;", "&")
                };
                (of("name"), of("value"))
            })
            .collect()
    }
}

impl Browser {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            headers: BTreeMap::new(),
        }
    }

    /// Has chosen a role.
    pub(crate) fn with_role(self, role: &str) -> Self {
        self.with("cookie", &format!("arthouse_role={role}"))
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], String::new()).await
    }

    pub(crate) async fn get_with(&self, path: &str, header: (&str, &str)) -> Answer {
        self.ask(Method::GET, path, &[header], String::new()).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        let kind = ("content-type", "application/json");
        self.ask(Method::POST, path, &[kind], body.to_string())
            .await
    }

    pub(crate) async fn post(&self, path: &str, values: &[(String, String)]) -> Answer {
        let escape = |text: &str| {
            let byte = |byte: u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            };
            text.bytes().map(byte).collect::<String>()
        };
        let pairs = values
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.ask(Method::POST, path, &[kind], body).await
    }

    /// Fills in the last form of a page and sends it.
    pub(crate) async fn fill(&self, page: &Answer, to: &str, typed: &[(&str, &str)]) -> Answer {
        let mut values = page.hidden();
        values.extend(
            typed
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self.post(to, &values).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        let response = client.request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).expect("text"),
        }
    }
}
