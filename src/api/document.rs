//! The OpenAPI document of both listeners, made from the tables of endpoints.

use actix_web::http::{Method, StatusCode};
use utoipa::openapi::path::{HttpMethod, Operation as FinishedOperation};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Paths};

use super::endpoint::{Endpoint, Listener, Section};
use super::error::Area;
use super::openapi::{Operation, SCHEMES, Schemas};

const DESCRIPTION: &str = "\
Countersign asks people on their phones whether an action is really theirs, and issues the tokens \
that mobile apps and other clients use.

What holds for every endpoint:

- Text is UTF-8. A parameter that is empty counts as omitted, one that is given twice is refused.
- A body has the content type that is named here (otherwise `415`), no content coding, and at most \
64 KiB unless the server is configured otherwise (otherwise `413`).
- Responses carry `X-Request-Id`: the one that the request sent, if it has 1 to 128 letters, digits, \
`.`, `_` or `-`, otherwise a new one. The server's log names it.
- `503` with `Retry-After`: the server is busy or its database is out of reach. Nothing has happened.
- `429` with `Retry-After`: there were too many requests of this kind. Nothing has happened.";

/// Describes the endpoints.
pub(crate) fn document(sections: &[&Section]) -> OpenApi {
    let mut paths = Paths::new();
    let mut schemas = Schemas::new();

    for section in sections {
        for endpoint in section.tables.iter().copied().flatten() {
            let operation = describe(section, endpoint, &mut schemas);
            let method = http_method(&endpoint.method).into_iter().collect();
            paths.add_path_operation(endpoint.template(), method, operation);
        }
    }

    let components = SCHEMES.iter().fold(
        ComponentsBuilder::new().schemas_from_iter(schemas),
        |components, scheme| components.security_scheme(scheme.name(), scheme.describe()),
    );

    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Countersign")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION)),
        )
        .tags(Some(sections.iter().map(|section| tag(section))))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn tag(section: &Section) -> Tag {
    let listener = match section.listener {
        Listener::Public => "On the public address.",
        Listener::Management => "On the management address.",
    };

    TagBuilder::new()
        .name(section.name)
        .description(Some(format!("{} {listener}", section.description)))
        .build()
}

fn describe(section: &Section, endpoint: &Endpoint, schemas: &mut Schemas) -> FinishedOperation {
    let mut operation = Operation::new(Area::of(endpoint.pattern), schemas);

    (endpoint.describe)(&mut operation);

    for (status, meaning) in endpoint.errors {
        let status = StatusCode::from_u16(*status).unwrap_or_default();
        operation.error(status, meaning);
    }

    let mut paragraphs = paragraphs(endpoint.doc);
    let summary = paragraphs.remove(0).replace('\n', " ");
    let mut finished = operation.finish(summary, paragraphs);
    finished.operation_id = Some(endpoint.name.to_owned());
    finished.tags = Some(vec![section.name.to_owned()]);

    finished
}

/// Joins the lines of a doc comment. Empty lines separate paragraphs; lines of a list stay lines.
fn paragraphs(doc: &[&str]) -> Vec<String> {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();

    lines
        .split(|line| line.is_empty())
        .map(|lines| lines.join("\n"))
        .collect()
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    match *method {
        Method::GET => Some(HttpMethod::Get),
        Method::POST => Some(HttpMethod::Post),
        Method::PUT => Some(HttpMethod::Put),
        Method::PATCH => Some(HttpMethod::Patch),
        Method::DELETE => Some(HttpMethod::Delete),
        _ => None,
    }
}
