//! What a span says, kept until its lines are written.

use std::fmt;

use tracing::field::{Field, Visit};

/// No span of ours says more, and none of a handler's should.
const MOST: usize = 32;

/// A value, as JSON has them.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Text(Box<str>),
    Signed(i64),
    Unsigned(u64),
    Number(f64),
    Flag(bool),
}

/// The fields of a span, under the keys that the log has for them.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    pub(super) fn iter(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.0.iter()
    }

    fn put(&mut self, field: &Field, value: Value) {
        let Some(key) = key(field.name()) else { return };
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == key) {
            *known = value;
        } else if self.0.len() < MOST {
            self.0.push((key, value));
        }
    }
}

/// The key of a field: those of exported spans have longer names than a log wants. Nothing for
/// what speaks to the exporter alone.
pub(super) fn key(name: &'static str) -> Option<&'static str> {
    Some(match name {
        "http.request.method" => "method",
        "http.route" | "url.template" => "route",
        "http.response.status_code" => "status",
        "forge.installation" => "installation",
        "forge.module" => "module",
        "forge.kind" => "kind",
        "forge.job.id" => "job",
        "forge.job.name" => "name",
        "forge.job.attempt" => "attempt",
        "forge.product" => "product",
        "forge.identity" => "identity",
        name if name.starts_with("otel.") || name.starts_with("log.") => return None,
        name => name,
    })
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::Number(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Unsigned(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Flag(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::Text(format!("{value:?}").into()));
    }
}
