//! Taking a text out of what the database holds of a run besides its rows, which follow from its document.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::flags::{lock, read_flags, write_flag};
use super::{Index, Scope};
use crate::calibration::Flag;
use crate::error::Result;
use crate::gate::Phrase;
use crate::model::{Event, TraceId};
use crate::store::session::Session;
use crate::store::sql::Sql;

impl Index {
    /// Takes a text out of the events of a run that no document holds yet, out of those that were kept aside, and out
    /// of the flags of its project. Gives in how many places it stood. A flag whose subject held it goes on under
    /// another id.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away, or an event would no longer be one.
    pub async fn redact(&self, project: &str, trace_id: &TraceId, phrase: &Phrase) -> Result<u64> {
        let (project, trace_id, phrase) = (project.to_owned(), trace_id.clone(), phrase.clone());
        let flag_scope = self.calibration.flag_scope;
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    super::record::lock(session, std::slice::from_ref(&trace_id)).await?;
                    lock(session, [project.as_str()], flag_scope).await?;
                    let events = redact_events(session, &trace_id, &phrase).await?;
                    Ok(events + redact_flags(session, &project, &phrase).await?)
                })
            })
            .await
    }
}

async fn redact_events(session: &mut Session, trace_id: &TraceId, phrase: &Phrase) -> sqlx::Result<u64> {
    let id = trace_id.as_str();
    let mut places = 0;
    let sql = Sql::new("select event_id, body from events where trace_id = $1").bind(id);
    for (event_id, body) in session.fetch::<(String, String)>(sql).await? {
        let Some((found, body)) = without::<Event>(&body, phrase)? else { continue };
        places += found;
        let sql = Sql::new("update events set body = $1 where trace_id = $2 and event_id = $3");
        session.execute(sql.bind(body).bind(id).bind(event_id)).await?;
    }
    let sql = Sql::new("select event_id, content_hash, body from conflicts where trace_id = $1").bind(id);
    for (event_id, hash, body) in session.fetch::<(String, String, String)>(sql).await? {
        let Some((found, body)) = without::<Event>(&body, phrase)? else { continue };
        places += found;
        let sql = Sql::new(
            "update conflicts set body = $1 where trace_id = $2 and event_id = $3 and content_hash = $4",
        );
        session.execute(sql.bind(body).bind(id).bind(event_id).bind(hash)).await?;
    }
    Ok(places)
}

async fn redact_flags(session: &mut Session, project: &str, phrase: &Phrase) -> sqlx::Result<u64> {
    let mut places = 0;
    let flags = read_flags(session, &Scope::Projects(vec![project.to_owned()])).await?;
    for flag in &flags {
        let record = serde_json::to_string(flag).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let Some((found, record)) = without::<Flag>(&record, phrase)? else { continue };
        places += found;
        let mut redacted: Flag =
            serde_json::from_str(&record).map_err(|error| sqlx::Error::Decode(error.into()))?;
        redacted.id = redacted.key().id();
        if redacted.id != flag.id {
            session.execute(Sql::new("delete from flags where flag_id = $1").bind(&flag.id)).await?;
            if flags.iter().any(|other| other.id == redacted.id) {
                // An earlier redaction has made it already.
                continue;
            }
        }
        write_flag(session, &redacted).await?;
    }
    Ok(places)
}

/// The JSON of something without the text, and in how many places it stood; `None` where it stood in none.
fn without<T: DeserializeOwned>(json: &str, phrase: &Phrase) -> sqlx::Result<Option<(u64, String)>> {
    let unreadable = |error: serde_json::Error| sqlx::Error::Decode(error.into());
    let mut value: Value = serde_json::from_str(json).map_err(unreadable)?;
    // A hash is no text of a caller's; with a mark in it, an honest repetition would be a conflict.
    let hash = value.get_mut("content_hash").map(Value::take);
    let found = phrase.take_out(&mut value);
    if let (Some(hash), Some(place)) = (hash, value.get_mut("content_hash")) {
        *place = hash;
    }
    if found == 0 {
        return Ok(None);
    }
    let json = value.to_string();
    serde_json::from_value::<T>(value).map_err(unreadable)?;
    Ok(Some((found, json)))
}
