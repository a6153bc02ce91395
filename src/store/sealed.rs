//! An event together with its JSON, which journal and database both keep.

use std::ops::Deref;

use crate::error::{Error, Result};
use crate::model::Event;

/// An event that is ready to be stored: its JSON is made once.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    event: Event,
    json: String,
}

impl Sealed {
    /// Seals an event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it has no JSON form; none that came through the gate lacks one.
    pub fn new(event: Event) -> Result<Self> {
        let json = serde_json::to_string(&event).map_err(|error| Error::Corrupt {
            place: format!("event {} of trace {}", event.event_id, event.trace_id),
            reason: error.to_string(),
        })?;
        Ok(Self { event, json })
    }

    /// Reads an event back from its JSON.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the text is no event.
    pub fn parse(json: String) -> Result<Self> {
        let event = serde_json::from_str(&json).map_err(|error| Error::Corrupt {
            place: "a stored event".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { event, json })
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl Deref for Sealed {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}
