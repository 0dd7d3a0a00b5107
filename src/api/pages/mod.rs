//! The pages that users see in a browser: one layout, in their language, in the colours of whoever runs
//! the server. They have no scripts (but the one that posts an answer), nothing from other servers,
//! and headers that keep browsers from framing and storing them.
//!
//! `texts` is what they say; `error` is the page for what a browser gets instead of a problem in JSON.
//! What a page asks is with its endpoints, in [`oauth`](super::oauth).

pub(super) mod error;
mod texts;

use std::path::Path;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::config::PagesConfig;
use crate::secret::sha256;
use texts::Languages;

pub(super) use texts::{Texts, fill};

const STYLE: &str = include_str!("style.css");
/// Posts the only form of a page.
const POST: &str = "document.forms[0].submit()";
/// The largest logo, in bytes.
const LOGO_BYTES_MAX: usize = 100 * 1024;

/// Where the forms of a page may lead, by way of redirects too (CSP `form-action`).
#[derive(Clone, Debug)]
pub(super) enum FormTargets {
    /// This server, and the login page with the identity providers that it may send the browser on to.
    LoginPage(Vec<String>),
    /// Anywhere: a client's redirect URI can have any scheme.
    Any,
}

/// What all pages have in common.
#[derive(Debug)]
pub struct Pages {
    product_name: String,
    /// As a `data:` URL.
    logo: Option<String>,
    /// With the colours.
    style: String,
    languages: Languages,
}

impl Pages {
    /// As it is configured.
    ///
    /// # Errors
    ///
    /// What is wrong with the colour, the logo or the texts, as a sentence.
    pub fn load(config: &PagesConfig) -> Result<Self, String> {
        let accent = Colour::parse(&config.accent_color)
            .ok_or("pages.accent_color must be like \"#0b57d0\"")?;
        let logo = config.logo.as_deref().map(logo).transpose();
        let languages = Languages::load(config.texts.as_deref());

        Ok(Self {
            product_name: config.product_name.clone(),
            logo: logo.map_err(|problem| format!("pages.logo: {problem}"))?,
            style: format!("{}{STYLE}", accent.variables()),
            languages: languages.map_err(|problem| format!("pages.texts: {problem}"))?,
        })
    }

    /// What pages say to a browser with this `Accept-Language`, for a client that wants `ui_locales`.
    pub(super) fn texts(&self, ui_locales: Option<&str>, accept: Option<&str>) -> &Texts {
        self.languages.choose(ui_locales, accept)
    }

    pub(super) fn page(
        &self,
        texts: &Texts,
        title: &str,
        body: &Markup,
        targets: &FormTargets,
    ) -> Page {
        Page {
            status: StatusCode::OK,
            html: self.document(texts, title, body, None).into_string(),
            policy: self.policy(targets, None),
            retry_after_seconds: None,
        }
    }

    /// A page that posts fields to an address by itself (OAuth 2.0 Form Post Response Mode).
    pub(super) fn that_posts(
        &self,
        texts: &Texts,
        address: &str,
        fields: &[(&'static str, String)],
    ) -> Page {
        let body = html! {
            p { (texts.sending_text) }
            form method="post" action=(address) {
                @for (name, value) in fields {
                    input type="hidden" name=(name) value=(value);
                }
                div class="buttons" { button class="main" { (texts.r#continue) } }
            }
        };

        let html = self.document(texts, &texts.sending_title, &body, Some(POST));
        Page {
            status: StatusCode::OK,
            html: html.into_string(),
            policy: self.policy(&FormTargets::Any, Some(POST)),
            retry_after_seconds: None,
        }
    }

    fn document(&self, texts: &Texts, title: &str, body: &Markup, script: Option<&str>) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(texts.language) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    title { (title) " – " (self.product_name) }
                    style { (PreEscaped(&self.style)) }
                }
                body {
                    header {
                        @match &self.logo {
                            Some(logo) => img src=(logo) alt=(self.product_name);,
                            None => span { (self.product_name) },
                        }
                    }
                    main {
                        h1 { (title) }
                        (body)
                    }
                    @if let Some(script) = script {
                        script { (PreEscaped(script)) }
                    }
                }
            }
        }
    }

    fn policy(&self, targets: &FormTargets, script: Option<&str>) -> String {
        let source = |text: &str| format!("'sha256-{}'", STANDARD.encode(sha256(text.as_bytes())));
        let mut policy = format!(
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src {}; img-src data:",
            source(&self.style)
        );

        if let Some(script) = script {
            policy.push_str("; script-src ");
            policy.push_str(&source(script));
        }

        // Browsers apply it to where a form's answer redirects, and on from there: which identity
        // provider a login page works with, only that page knows.
        if let FormTargets::LoginPage(origins) = targets {
            let origins = origins.join(" ");
            policy.push_str(&format!("; form-action 'self' https: {origins}"));
        }

        policy
    }
}

/// A page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    status: StatusCode,
    html: String,
    policy: String,
    retry_after_seconds: Option<u64>,
}

impl Page {
    /// The page for what went wrong.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(seconds),
            ..self
        }
    }

    pub(super) fn response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"));
        response.insert_header((header::CONTENT_SECURITY_POLICY, self.policy));
        response.insert_header((header::X_FRAME_OPTIONS, "DENY"));
        // Its address can contain secrets, which are for nobody else. Without any referrer, browsers
        // would not say where its own forms come from.
        response.insert_header((header::REFERRER_POLICY, "same-origin"));

        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds));
        }

        response.body(self.html)
    }
}

/// A colour, as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour([u8; 3]);

impl Colour {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }

        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// The colour, and what is read on it: black or white, whichever stands out more (WCAG 2.2 §1.4.3).
    fn variables(self) -> String {
        let Self([red, green, blue]) = self;
        let on_accent = if self.luminance() > 0.179 {
            "#000"
        } else {
            "#fff"
        };
        format!(":root{{--accent:#{red:02x}{green:02x}{blue:02x};--on-accent:{on_accent}}}")
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let part = f64::from(channel) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });

        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

/// A picture as a `data:` URL.
fn logo(path: &Path) -> Result<String, String> {
    let media_type = match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => return Err("must be an .svg or a .png file".to_owned()),
    };

    let picture = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if picture.len() > LOGO_BYTES_MAX {
        return Err(format!("must not be larger than {LOGO_BYTES_MAX} bytes"));
    }

    Ok(format!(
        "data:{media_type};base64,{}",
        STANDARD.encode(picture)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_on_a_button_can_be_read() {
        for (colour, on_accent) in [
            ("#0b57d0", "#fff"),
            ("#000000", "#fff"),
            ("#ffcc00", "#000"),
            ("#ffffff", "#000"),
            ("#00aa55", "#000"),
        ] {
            let variables = Colour::parse(colour).unwrap().variables();
            assert_eq!(
                variables,
                format!(":root{{--accent:{colour};--on-accent:{on_accent}}}")
            );
        }

        for bad in [
            "",
            "#fff",
            "0b57d0",
            "#0b57d0;}",
            "#gggggg",
            "red",
            "#0b57dé",
        ] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_put_into_a_page_has_no_markup() {
        let config = PagesConfig {
            product_name: "<b>&".to_owned(),
            ..PagesConfig::default()
        };
        let pages = Pages::load(&config).unwrap();
        let texts = pages.texts(None, None);
        let fields = [("state", "\"><script>".to_owned())];

        let page = pages.that_posts(texts, "https://a.example/?\"<", &fields);
        assert!(page.html.contains("&quot;&gt;&lt;script&gt;"));
        assert!(!page.html.contains("<b>") && page.html.matches("<script>").count() == 1);
    }

    #[test]
    fn a_logo_is_a_small_picture() {
        for bad in ["logo.gif", "logo", "/nowhere/logo.png"] {
            let config = PagesConfig {
                logo: Some(bad.into()),
                ..PagesConfig::default()
            };
            let refused = Pages::load(&config).unwrap_err();
            assert!(refused.starts_with("pages.logo: "), "{refused}");
        }
    }
}
