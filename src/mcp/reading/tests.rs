//! The reading tools over a real store, and over runs that are built for the purpose.

mod bounds;
mod confidence;
pub(super) mod home;
mod reading;
mod schemas;
mod searching;
mod telling;
