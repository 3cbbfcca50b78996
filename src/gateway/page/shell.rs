//! The page itself: one document, that brings all it needs.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::gateway::http::response;

/// The document, and what a browser is to allow it.
#[derive(Clone)]
pub(super) struct Shell {
    document: String,
    policy: HeaderValue,
}

impl Shell {
    pub(super) fn new() -> Shell {
        let (style, script) = (include_str!("page.css"), include_str!("page.js"));
        let document = include_str!("page.html").replace("/*style*/", style).replace("/*script*/", script);
        // This style, this script, and no others, whatever else may come into the page.
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
             img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'",
            hash(style),
            hash(script),
        );
        Shell { document, policy: HeaderValue::try_from(policy).expect("a policy is a header's value") }
    }

    pub(super) fn answer(&self) -> Response<Body> {
        let mut answer = response(StatusCode::OK, "text/html; charset=utf-8", self.document.clone());
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        let opener = HeaderName::from_static("cross-origin-opener-policy");
        headers.insert(opener, HeaderValue::from_static("same-origin"));
        answer
    }
}

/// What holds for each answer on this port: it is what it says, for this page, and now.
pub(super) fn guarded(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let resource = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource, HeaderValue::from_static("same-origin"));
    answer
}
