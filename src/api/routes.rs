//! Finds the endpoint of a request: the router, made from the tables of the sections.

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::context::Api;
use super::cors;
use super::document::document;
use super::endpoint::{Endpoint, Listener, Section};
use super::error::{ApiError, Area, Fault};
use super::{device, end_user, management, oauth, website};

/// All endpoints of the server. The first sections have the busiest.
const SECTIONS: &[&Section] = &[
    &website::SECTION,
    &device::SECTION,
    &oauth::SECTION,
    &end_user::SECTION,
    &oauth::BUILT_IN_PAGES,
    &management::SECTION,
    &management::OPERATIONS,
];

/// A path and its endpoints, one for each method.
pub(super) struct Resource {
    listener: Listener,
    pub(super) pattern: &'static str,
    /// The value of `Allow`.
    allow: String,
    endpoints: Vec<&'static Endpoint>,
}

/// The resource that the path of a request matches. Requests carry it as app data.
pub(super) type Matched = &'static Resource;

/// All resources, in the order in which the router tries them.
static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let mut resources: Vec<Resource> = Vec::new();

    for section in SECTIONS {
        for endpoint in section.tables.iter().copied().flatten() {
            add(&mut resources, section.listener, endpoint);
        }
    }

    // The router compares a constant path at once, but runs a regular expression for a path with
    // parameters. The sort is stable: within each kind, the order of the sections stays.
    resources.sort_by_key(|resource| resource.pattern.contains('{'));
    resources
});

fn add(resources: &mut Vec<Resource>, listener: Listener, endpoint: &'static Endpoint) {
    let known = resources
        .iter_mut()
        .find(|resource| resource.pattern == endpoint.pattern);

    match known {
        Some(resource) => {
            resource.allow.push_str(", ");
            resource.allow.push_str(allowed(endpoint));
            resource.endpoints.push(endpoint);
        }
        None => resources.push(Resource {
            listener,
            pattern: endpoint.pattern,
            allow: allowed(endpoint).to_owned(),
            endpoints: vec![endpoint],
        }),
    }
}

/// The methods that an endpoint answers. What can be read with `GET` can be looked at with `HEAD` (RFC
/// 9110 §9.3.2).
fn allowed(endpoint: &Endpoint) -> &str {
    match endpoint.method {
        Method::GET => "GET, HEAD",
        ref other => other.as_str(),
    }
}

/// Registers the endpoints of a listener.
pub fn configure(listener: Listener, services: &mut ServiceConfig) {
    let resources = RESOURCES
        .iter()
        .filter(|resource| resource.listener == listener);
    for resource in resources {
        services.service(service(resource));
    }

    if listener == Listener::Management {
        services.app_data(web::Data::new(document(SECTIONS)));
        services.service(management::pages());
    }

    services.default_service(web::to(not_found));
}

fn service(resource: Matched) -> actix_web::Resource {
    let service = web::resource(resource.pattern)
        .app_data(resource)
        .default_service(web::to(method_not_allowed));

    resource
        .endpoints
        .iter()
        .fold(service, |service, endpoint| {
            let service = service.route((endpoint.route)().method(endpoint.method.clone()));

            // Whoever sends the answer leaves its body out.
            if endpoint.method == Method::GET {
                service.route((endpoint.route)().method(Method::HEAD))
            } else {
                service
            }
        })
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::from(Fault::NotFound).shaped(Area::of(request.path())))
}

async fn method_not_allowed(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let (pattern, allow) = request
        .app_data::<Matched>()
        .map_or(("", ""), |resource| (resource.pattern, &resource.allow));

    if request.method() == Method::OPTIONS
        && let Some(api) = request.app_data::<web::Data<Api>>()
        && let Some(answer) = cors::preflight(
            request.headers(),
            &api.app.base.settings.load(),
            pattern,
            allow,
        )
    {
        return Ok(answer);
    }

    Err(ApiError::from(Fault::MethodNotAllowed { allow }).shaped(Area::of(request.path())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
        RESOURCES
            .iter()
            .flat_map(|resource| resource.endpoints.iter().copied())
    }

    /// The document as JSON.
    fn described() -> serde_json::Value {
        serde_json::to_value(document(SECTIONS)).unwrap()
    }

    fn operation<'a>(
        document: &'a serde_json::Value,
        endpoint: &Endpoint,
    ) -> &'a serde_json::Value {
        let method = endpoint.method.as_str().to_lowercase();
        &document["paths"][endpoint.template()][&method]
    }

    #[test]
    fn a_path_has_each_method_once() {
        for resource in RESOURCES.iter() {
            let methods: BTreeSet<&str> = resource.allow.split(", ").collect();
            let heads = usize::from(methods.contains("HEAD"));
            assert_eq!(
                methods.len() - heads,
                resource.endpoints.len(),
                "{}",
                resource.pattern
            );
        }
    }

    #[test]
    fn allow_names_the_methods_of_a_path_in_the_order_of_its_table() {
        let allow = |pattern| {
            let resource = RESOURCES.iter().find(|one| one.pattern == pattern).unwrap();
            resource.allow.as_str()
        };

        assert_eq!(allow("/oauth/keys"), "GET, HEAD");
        assert_eq!(
            allow("/oauth/register/{device_id}"),
            "GET, HEAD, PUT, DELETE"
        );
    }

    #[test]
    fn handlers_have_names_of_their_own() {
        let mut names = BTreeSet::new();
        for endpoint in endpoints() {
            assert!(names.insert(endpoint.name), "{}", endpoint.name);
        }
    }

    #[test]
    fn every_endpoint_is_described_and_nothing_else() {
        let document = described();
        for endpoint in endpoints() {
            let operation = operation(&document, endpoint);
            assert_eq!(operation["operationId"], endpoint.name);
        }

        let paths = document["paths"].as_object().unwrap().values();
        let count: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(count, endpoints().count());
    }

    #[test]
    fn a_summary_is_one_sentence_and_a_response_has_a_description() {
        let document = described();
        for endpoint in endpoints() {
            let operation = operation(&document, endpoint);
            let summary = operation["summary"].as_str().unwrap();
            assert!(summary.ends_with('.') && summary.len() <= 100, "{summary}");

            for (status, response) in operation["responses"].as_object().unwrap() {
                let description = response["description"].as_str().unwrap_or_default();
                assert!(description.ends_with('.'), "{summary}: {status}");
            }
        }
    }

    #[test]
    fn parameters_of_the_path_are_those_of_the_pattern() {
        let document = described();
        for endpoint in endpoints() {
            let template = endpoint.template();
            let in_pattern: Vec<&str> = template
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next())
                .collect();

            let parameters = operation(&document, endpoint)["parameters"].as_array();
            let described: Vec<&str> = parameters
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();

            assert_eq!(described, in_pattern, "{}", endpoint.pattern);
        }
    }

    #[test]
    fn every_parameter_has_a_description() {
        let document = described();
        for endpoint in endpoints() {
            let parameters = operation(&document, endpoint)["parameters"].as_array();
            for parameter in parameters.into_iter().flatten() {
                let description = parameter["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{}: {parameter}", endpoint.pattern);
            }
        }
    }

    #[test]
    fn references_in_the_document_resolve() {
        let document = described();
        let text = document.to_string();
        let references = text.split("\"$ref\":\"#").skip(1);

        for reference in references.filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
