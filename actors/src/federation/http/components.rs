//! What of a message can be signed, and the text that is (RFC 9421 sections 2 and 2.5).

use std::collections::BTreeMap;

use hyper::header::{HOST, HeaderMap};
use hyper::http::request;

/// The only label that is written and read.
pub(super) const LABEL: &str = "boxoffice";

/// Identifiers of components as they stand in a signature, such as `"@method"`, and their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Components(BTreeMap<String, String>);

impl Components {
    /// Those of a request: its method, authority and path, and its fields.
    pub(super) fn of_request(parts: &request::Parts) -> Self {
        let mut components = Self::of_fields(&parts.headers);
        components.put("@method", parts.method.as_str());
        components.put("@path", parts.uri.path());
        if let Some(authority) = single(&parts.headers, HOST.as_str()) {
            components.put("@authority", &authority.to_ascii_lowercase());
        }
        components
    }

    /// Those of an answer with this status and these fields, and those of the request that it answers (section
    /// 2.4).
    pub(super) fn of_answer(status: u16, headers: &HeaderMap, request: &Asked) -> Self {
        let mut components = Self::of_fields(headers);
        components.put("@status", &status.to_string());
        for (id, value) in &request.components.0 {
            components.0.insert(format!("{id};req"), value.clone());
        }
        components.0.insert(REQUEST_SIGNATURE.to_owned(), format!(":{}:", request.signature));
        components
    }

    /// Fields that stand there more than once are left out: it would not be clear what was signed.
    fn of_fields(headers: &HeaderMap) -> Self {
        let mut components = Self::default();
        for name in headers.keys() {
            if let Some(value) = single(headers, name.as_str()) {
                components.put(name.as_str(), value);
            }
        }
        components
    }

    fn put(&mut self, name: &str, value: &str) {
        self.0.insert(format!("\"{name}\""), value.to_owned());
    }

    /// The text that is signed (section 2.5): these components, and the parameters of the signature. None when one of them
    /// is not in the message, or not clearly.
    pub(super) fn base<'a>(&self, covered: impl IntoIterator<Item = &'a str>, params: &str) -> Option<String> {
        let mut base = String::new();
        for id in covered {
            let value = self.0.get(id)?;
            for part in [id, ": ", value, "\n"] {
                base.push_str(part);
            }
        }
        base.push_str("\"@signature-params\": ");
        base.push_str(params);
        Some(base)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }
}

/// What binds an answer to the request: the signature that the request came with, under [`LABEL`].
pub(super) const REQUEST_SIGNATURE: &str = "\"signature\";req;key=\"boxoffice\"";

/// A signed request, as far as its answer is bound to it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    components: Components,
    /// In base64.
    signature: String,
}

impl Asked {
    pub(super) fn new(components: Components, signature: String) -> Self {
        Self { components, signature }
    }
}

/// The value of a field that stands there once, in visible ASCII.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok().map(str::trim)
}
