//! The log as JSON: a line an event, with flat keys.
//!
//! A line has what its event says, and after that what the spans around it say, the nearest
//! first. A key stands in it once.

mod fields;
mod line;

use std::{cell::RefCell, io::Write};

use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

use self::{fields::Fields, line::Line};

/// Most lines fit; one that does not costs an allocation, and its buffer is not kept.
const ROOM: usize = 1024;
const KEPT: usize = 16 * 1024;

thread_local! {
    static BUFFER: RefCell<String> = RefCell::new(String::with_capacity(ROOM));
}

/// Writes the lines.
pub(super) struct JsonLines<Writer> {
    writer: Writer,
}

impl<Writer> JsonLines<Writer> {
    pub(super) const fn to(writer: Writer) -> Self {
        Self { writer }
    }
}

impl<S, Writer> Layer<S> for JsonLines<Writer>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    Writer: for<'writer> MakeWriter<'writer> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let write = |buffer: &mut String| {
            buffer.clear();
            let mut line = Line::begin(buffer, event);
            for span in context.event_scope(event).into_iter().flatten() {
                if let Some(fields) = span.extensions().get::<Fields>() {
                    line.add(fields);
                }
            }
            line.end();
            // Nobody is left to be told that the log cannot be written.
            let _ = self
                .writer
                .make_writer_for(event.metadata())
                .write_all(buffer.as_bytes());
            buffer.shrink_to(KEPT);
        };
        BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut buffer) => write(&mut buffer),
            // Something that is being written writes a line itself.
            Err(_) => write(&mut String::with_capacity(ROOM)),
        });
    }
}

#[cfg(test)]
mod tests;
