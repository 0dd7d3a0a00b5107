//! An operation of the document, put together from what the types of a handler say.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation as Finished, Parameter, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder, Schema};

use super::scheme::Scheme;
use crate::api::error::{Area, OAuthBody, ProblemDocument, WebsiteBody};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The schemas of a document, by name.
pub(crate) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// An operation that is being described.
pub(crate) struct Operation<'a> {
    operation: Finished,
    /// Paragraphs.
    description: Vec<String>,
    area: Area,
    schemas: &'a mut Schemas,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(area: Area, schemas: &'a mut Schemas) -> Self {
        Self {
            operation: Finished::new(),
            description: Vec::new(),
            area,
            schemas,
        }
    }

    /// Adds a paragraph to the description.
    pub(crate) fn note(&mut self, paragraph: impl Into<String>) {
        self.description.push(paragraph.into());
    }

    pub(crate) fn path_parameter(&mut self, name: &str, description: &str) {
        let mut parameter = Parameter::new(name);
        parameter.parameter_in = ParameterIn::Path;
        parameter.description = Some(description.to_owned());
        parameter.schema = Some(string());

        self.parameter(parameter);
    }

    /// An optional header.
    pub(crate) fn header(&mut self, name: &str, description: &str) {
        let mut parameter = Parameter::new(name);
        parameter.parameter_in = ParameterIn::Header;
        parameter.required = Required::False;
        parameter.description = Some(description.to_owned());
        parameter.schema = Some(string());

        self.parameter(parameter);
    }

    /// Each property of the schema as a parameter in the query string.
    pub(crate) fn query<T: ToSchema>(&mut self) {
        let object = self.properties::<T>();

        for (name, mut schema) in object.properties {
            let mut parameter = Parameter::new(&name);
            parameter.parameter_in = ParameterIn::Query;

            if !object.required.contains(&name) {
                parameter.required = Required::False;
            }

            if let RefOr::T(Schema::Object(property)) = &mut schema {
                parameter.description = property.description.take();
            }

            parameter.schema = Some(schema);

            self.parameter(parameter);
        }
    }

    /// The schema as a form in the body, unless it is empty.
    pub(crate) fn form<T: ToSchema>(&mut self) {
        let object = self.properties::<T>();
        if object.properties.is_empty() {
            return;
        }

        let name = T::name().into_owned();
        self.add_schema(name.clone(), RefOr::T(Schema::Object(object)));
        self.body(FORM, Ref::from_schema_name(name));
    }

    /// The schema as JSON in the body.
    pub(crate) fn json<T: ToSchema>(&mut self) {
        let schema = self.reference::<T>();
        self.body(JSON, schema);
    }

    /// Credentials that the caller must have. `permissions`: one of them is enough.
    pub(crate) fn require(&mut self, scheme: Scheme, permissions: &[String]) {
        let requirement = SecurityRequirement::new(scheme.name(), permissions);
        self.operation
            .security
            .get_or_insert_default()
            .push(requirement);
    }

    /// A response with a JSON body, which the type's documentation describes.
    pub(crate) fn success<T: ToSchema>(&mut self, status: StatusCode) {
        let description = match T::schema() {
            RefOr::T(Schema::Object(object)) => object.description,
            RefOr::T(Schema::Array(array)) => array.description,
            RefOr::T(Schema::OneOf(one_of)) => one_of.description,
            RefOr::T(Schema::AllOf(all_of)) => all_of.description,
            RefOr::T(_) | RefOr::Ref(_) => None,
        };

        let description = description.unwrap_or_default().replace('\n', " ");

        self.response::<T>(status, &description);
    }

    /// A response with a JSON body.
    pub(crate) fn response<T: ToSchema>(&mut self, status: StatusCode, description: &str) {
        let schema = self.reference::<T>();
        self.add_response(status.as_str(), description, Some((JSON, schema.into())));
    }

    /// A response with another body, or none.
    pub(crate) fn other_response(
        &mut self,
        status: StatusCode,
        description: &str,
        content_type: Option<&'static str>,
    ) {
        let content = content_type.map(|content_type| (content_type, string()));
        self.add_response(status.as_str(), description, content);
    }

    /// An error in the shape of the area.
    pub(crate) fn error(&mut self, status: StatusCode, meaning: &str) {
        let content = self.error_content();
        self.add_response(status.as_str(), meaning, Some(content));
    }

    /// An OAuth error, whatever the area.
    pub(crate) fn client_error(&mut self, status: StatusCode, meaning: &str) {
        self.response::<OAuthBody>(status, meaning);
    }

    /// The operation, with its summary. `paragraphs` come before those that were noted.
    pub(crate) fn finish(mut self, summary: String, paragraphs: Vec<String>) -> Finished {
        let content = self.error_content();
        self.add_response("default", "Any other error.", Some(content));

        let description = [paragraphs, self.description].concat().join("\n\n");
        self.operation.summary = Some(summary);
        self.operation.description = Some(description).filter(|text| !text.is_empty());

        self.operation
    }

    fn parameter(&mut self, parameter: Parameter) {
        self.operation
            .parameters
            .get_or_insert_default()
            .push(RefOr::T(parameter));
    }

    fn body(&mut self, content_type: &str, schema: Ref) {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new()
            .content(content_type, content)
            .required(Some(Required::True))
            .build();

        self.operation.request_body = Some(RefOr::T(body));
    }

    fn add_response(
        &mut self,
        status: &str,
        description: &str,
        content: Option<(&'static str, RefOr<Schema>)>,
    ) {
        let mut response = ResponseBuilder::new().description(description);
        if let Some((content_type, schema)) = content {
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response = response.content(content_type, content);
        }

        let responses = &mut self.operation.responses.responses;
        responses.insert(status.to_owned(), RefOr::T(response.build()));
    }

    fn error_content(&mut self) -> (&'static str, RefOr<Schema>) {
        match self.area {
            Area::Website => (JSON, self.reference::<WebsiteBody>().into()),
            Area::OAuth => (JSON, self.reference::<OAuthBody>().into()),
            Area::Other => (
                "application/problem+json",
                self.reference::<ProblemDocument<'static>>().into(),
            ),
        }
    }

    /// A reference to the type's schema, which it adds to the document.
    fn reference<T: ToSchema>(&mut self) -> Ref {
        let name = T::name().into_owned();
        self.add_schema(name.clone(), T::schema());
        self.add_nested_schemas::<T>();

        Ref::from_schema_name(name)
    }

    /// The type's schema, an object whose properties are all strings on the wire. So none of them
    /// can be null.
    fn properties<T: ToSchema>(&mut self) -> Object {
        self.add_nested_schemas::<T>();

        let RefOr::T(Schema::Object(mut object)) = T::schema() else {
            return Object::new();
        };

        for schema in object.properties.values_mut() {
            if let RefOr::T(Schema::Object(property)) = schema
                && let SchemaType::Array(types) = &property.schema_type
                && let [first, Type::Null] | [Type::Null, first] = types.as_slice()
            {
                property.schema_type = SchemaType::Type(first.clone());
            }
        }

        object
    }

    fn add_nested_schemas<T: ToSchema>(&mut self) {
        let mut nested = Vec::new();
        T::schemas(&mut nested);

        for (name, schema) in nested {
            self.add_schema(name, schema);
        }
    }

    fn add_schema(&mut self, name: String, schema: RefOr<Schema>) {
        match self.schemas.get(&name) {
            Some(known) => debug_assert!(*known == schema, "two schemas have the name {name}"),
            None => drop(self.schemas.insert(name, schema)),
        }
    }
}

fn string() -> RefOr<Schema> {
    RefOr::T(Schema::Object(Object::with_type(Type::String)))
}
