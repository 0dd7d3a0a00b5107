//! A page of HTML, and the headers it is safe with.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};

/// A text, as HTML has it in an element or a quoted attribute.
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

/// Where a page's form may lead to, redirects included, as browsers take it.
pub(super) enum FormsLead<'a> {
    /// To this server and to these origins.
    To(&'a [String]),
    /// Anywhere: clients are answered wherever they are.
    Anywhere,
}

/// A page. `title` is text, `body` is HTML.
pub(super) fn page(
    status: StatusCode,
    title: &str,
    body: &str,
    forms_lead: &FormsLead<'_>,
) -> HttpResponse {
    builder(status, forms_lead).body(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n",
        title = escape(title),
    ))
}

fn builder(status: StatusCode, forms_lead: &FormsLead<'_>) -> HttpResponseBuilder {
    let forms = match forms_lead {
        FormsLead::To(origins) => format!("; form-action 'self' {}", origins.join(" ")),
        FormsLead::Anywhere => String::new(),
    };
    let policy = format!(
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'{}",
        forms.trim_end()
    );
    let mut builder = HttpResponse::build(status);
    builder.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"));
    builder.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    builder.insert_header((header::X_FRAME_OPTIONS, "DENY"));
    builder.insert_header((header::REFERRER_POLICY, "no-referrer"));
    builder
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_text_cannot_leave_its_place() {
        assert_eq!(
            escape("<b a='x' c=\"y\">&amp;"),
            "&lt;b a=&#39;x&#39; c=&quot;y&quot;&gt;&amp;amp;"
        );
        assert_eq!(escape("plain é 漢"), "plain é 漢");
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_markup(text in ".*") {
            let escaped = escape(&text);
            proptest::prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            proptest::prop_assert_eq!(back.replace("&amp;", "&"), text);
        }
    }
}
