//! One line.

use std::fmt::{self, Write};

use tracing::{
    Event,
    field::{Field, Visit},
};
use tracing_subscriber::fmt::{
    format::Writer,
    time::{FormatTime, SystemTime},
};

use super::fields::{Fields, Value, key};

/// A value says no more than that: a line is read by people and by programs with a limit.
const LONGEST: usize = 8 * 1024;

/// A line in the making.
pub(super) struct Line<'a> {
    buffer: &'a mut String,
    keys: Vec<&'static str>,
}

impl<'a> Line<'a> {
    /// Time, level and target, then what the event says.
    pub(super) fn begin(buffer: &'a mut String, event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        buffer.push_str("{\"timestamp\":\"");
        // The time is digits and signs, and a `String` takes everything.
        let _ = SystemTime.format_time(&mut Writer::new(buffer));
        let _ = write!(buffer, "\",\"level\":\"{}\"", metadata.level());
        let mut line = Self {
            buffer,
            keys: Vec::with_capacity(16),
        };
        line.keys.extend(["timestamp", "level"]);
        // A crate that logs by `log` says in a field where it comes from.
        let mut origin = Origin::default();
        if metadata.target() == "log" {
            event.record(&mut origin);
        }
        let target = origin.0.as_deref().unwrap_or(metadata.target());
        line.text("target", target);
        event.record(&mut line);
        line
    }

    /// What a span around it says, where nothing nearer says it.
    pub(super) fn add(&mut self, fields: &Fields) {
        for (key, value) in fields.iter() {
            match value {
                Value::Text(text) => self.text(key, text),
                Value::Signed(number) => self.plain(key, number),
                Value::Unsigned(number) => self.plain(key, number),
                Value::Number(number) => self.number(key, *number),
                Value::Flag(flag) => self.plain(key, flag),
            }
        }
    }

    pub(super) fn end(self) {
        self.buffer.push_str("}\n");
    }

    /// Begins a member, if the line has none of that key.
    fn member(&mut self, key: &'static str) -> bool {
        if self.keys.contains(&key) {
            return false;
        }
        self.keys.push(key);
        self.buffer.push(',');
        self.quote(key);
        self.buffer.push(':');
        true
    }

    fn text(&mut self, key: &'static str, value: &str) {
        if self.member(key) {
            self.quote(value);
        }
    }

    fn plain(&mut self, key: &'static str, value: &dyn fmt::Display) {
        if self.member(key) {
            let _ = write!(self.buffer, "{value}");
        }
    }

    /// JSON knows neither infinity nor what is no number.
    fn number(&mut self, key: &'static str, value: f64) {
        if self.member(key) {
            if value.is_finite() {
                let _ = write!(self.buffer, "{value}");
            } else {
                self.buffer.push_str("null");
            }
        }
    }

    fn quote(&mut self, text: &str) {
        let end = text.floor_char_boundary(LONGEST);
        self.buffer.push('"');
        for sign in text[..end].chars() {
            match sign {
                '"' => self.buffer.push_str("\\\""),
                '\\' => self.buffer.push_str("\\\\"),
                '\n' => self.buffer.push_str("\\n"),
                '\t' => self.buffer.push_str("\\t"),
                // The latter two end a line for some who read it.
                sign if sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}') => {
                    let _ = write!(self.buffer, "\\u{:04x}", u32::from(sign));
                }
                sign => self.buffer.push(sign),
            }
        }
        if end < text.len() {
            self.buffer.push('…');
        }
        self.buffer.push('"');
    }
}

impl Visit for Line<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if let Some(key) = key(field.name()) {
            self.number(key, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if let Some(key) = key(field.name()) {
            self.plain(key, &value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if let Some(key) = key(field.name()) {
            self.plain(key, &value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if let Some(key) = key(field.name()) {
            self.plain(key, &value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(key) = key(field.name()) {
            self.text(key, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(key) = key(field.name()) {
            self.text(key, &format!("{value:?}"));
        }
    }
}

/// Where a line of the `log` crate comes from.
#[derive(Default)]
struct Origin(Option<String>);

impl Visit for Origin {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
