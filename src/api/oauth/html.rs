//! HTML pages, with the headers that make them safe. They have no styles, nothing from other servers,
//! and no script but the one that posts an answer.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::api::reply::Reply;
use crate::secret::sha256;

/// Escapes a text for an element or for an attribute in quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());

    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }

    escaped
}

/// The origins to which a form of the page may lead, by way of redirects too (CSP `form-action`).
pub(super) enum FormTargets {
    /// This server and these origins.
    Only(Vec<String>),
    /// Any origin: the redirect URI of a client can be anywhere.
    Any,
}

/// A page.
pub(super) struct Page {
    pub(super) status: StatusCode,
    /// Text.
    pub(super) title: &'static str,
    /// HTML.
    pub(super) body: String,
    pub(super) form_targets: FormTargets,
    pub(super) retry_after_seconds: Option<u64>,
    /// Runs when the page is shown.
    pub(super) script: Option<&'static str>,
}

impl Page {
    /// A page that is no error.
    pub(super) fn new(title: &'static str, body: String, form_targets: FormTargets) -> Self {
        Self {
            status: StatusCode::OK,
            title,
            body,
            form_targets,
            retry_after_seconds: None,
            script: None,
        }
    }

    /// A page that posts fields to an address by itself (OAuth 2.0 Form Post Response Mode).
    pub(super) fn that_posts(address: &str, fields: &[(&'static str, String)]) -> Self {
        let inputs: String = fields
            .iter()
            .map(|(name, value)| {
                let value = escape(value);
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n")
            })
            .collect();

        let body = format!(
            "<form method=\"post\" action=\"{action}\">\n{inputs}<button>Continue</button>\n</form>",
            action = escape(address),
        );

        // By way of redirects of the client's it may lead anywhere.
        Self {
            script: Some("document.forms[0].submit()"),
            ..Self::new("Continue", body, FormTargets::Any)
        }
    }

    fn policy(&self) -> String {
        let mut policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'".to_owned();
        if let Some(script) = self.script {
            let hash = STANDARD.encode(sha256(script.as_bytes()));
            policy.push_str(&format!("; script-src 'sha256-{hash}'"));
        }

        match &self.form_targets {
            FormTargets::Any => policy,
            FormTargets::Only(origins) => {
                let targets = [&["'self'".to_owned()], origins.as_slice()].concat();
                format!("{policy}; form-action {}", targets.join(" "))
            }
        }
    }
}

impl Reply for Page {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"));
        response.insert_header((header::CONTENT_SECURITY_POLICY, self.policy()));
        response.insert_header((header::X_FRAME_OPTIONS, "DENY"));
        response.insert_header((header::REFERRER_POLICY, "no-referrer"));

        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds));
        }

        Ok(response.body(format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\n\
             <body>\n<h1>{title}</h1>\n{body}\n{script}</body>\n</html>\n",
            title = escape(self.title),
            body = self.body,
            script = self
                .script
                .map_or_else(String::new, |script| format!("<script>{script}</script>\n")),
        )))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::OK, "A page.", Some("text/html"));
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn escaped_text_has_no_markup() {
        assert_eq!(
            escape("<b a='x' c=\"y\">&amp;"),
            "&lt;b a=&#39;x&#39; c=&quot;y&quot;&gt;&amp;amp;"
        );
        assert_eq!(escape("plain é 漢"), "plain é 漢");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_escaped_without_loss(text in ".*") {
            let escaped = escape(&text);
            proptest::prop_assert!(!escaped.contains(['<', '>', '"', '\'']));

            let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")];
            let unescaped = entities
                .iter()
                .fold(escaped, |text, (entity, character)| text.replace(entity, character))
                .replace("&amp;", "&");
            proptest::prop_assert_eq!(unescaped, text);
        }
    }
}
