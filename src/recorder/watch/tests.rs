//! Who is told what of which look, without a database.

use super::*;
use crate::model::Status;

fn id(text: &str) -> TraceId {
    text.parse().unwrap()
}

fn growth(trace_id: &str, events: u64) -> Growth {
    Growth {
        trace_id: id(trace_id),
        project: "cobot".to_owned(),
        status: Status::InProgress,
        event_count: events,
        child_count: 0,
    }
}

fn ended(trace_id: &str, events: u64) -> Growth {
    Growth { status: Status::Complete, ..growth(trace_id, events) }
}

fn seen(events: u64) -> Seen {
    Seen { events, ..Seen::default() }
}

/// A registry with one who watches these runs, of which they have seen an event each.
fn watching(runs: &[&str]) -> (Registry, u64) {
    let mut registry = Registry::default();
    let one = registry.enter(None, Arc::default());
    for run in runs {
        registry.add(one, id(run), Scope::All, Some(seen(1))).unwrap();
    }
    (registry, one)
}

fn told(registry: &mut Registry, id: u64) -> Vec<(String, bool)> {
    let news = registry.take_news(id).into_iter();
    news.map(|change| (change.trace_id.to_string(), change.is_last)).collect()
}

fn look(registry: &mut Registry, grown: &[Growth]) {
    let asked: Vec<TraceId> = registry.watched.keys().cloned().collect();
    registry.look(&asked, grown);
}

#[test]
fn what_was_seen_is_no_news_and_more_of_it_is_told_once() {
    let (mut registry, one) = watching(&["a"]);
    look(&mut registry, &[growth("a", 1)]);
    assert_eq!(told(&mut registry, one), []);
    for events in [2, 3] {
        look(&mut registry, &[growth("a", events)]);
    }
    assert_eq!(told(&mut registry, one), [("a".to_owned(), false)]);
    look(&mut registry, &[growth("a", 3)]);
    assert_eq!(told(&mut registry, one), []);
}

#[test]
fn a_run_that_began_as_a_part_of_a_watched_one_is_told_as_more_of_that() {
    let (mut registry, one) = watching(&["a"]);
    let parent = Growth { child_count: 1, ..growth("a", 1) };
    for _ in 0..2 {
        look(&mut registry, std::slice::from_ref(&parent));
    }
    assert_eq!(told(&mut registry, one), [("a".to_owned(), false)]);
    look(&mut registry, &[parent]);
    assert_eq!(told(&mut registry, one), []);
}

#[test]
fn a_look_that_began_before_the_watch_is_no_news() {
    let (mut registry, one) = watching(&[]);
    registry.add(one, id("a"), Scope::All, Some(seen(5))).unwrap();
    look(&mut registry, &[growth("a", 4)]);
    look(&mut registry, &[growth("a", 5)]);
    assert_eq!(told(&mut registry, one), []);
}

#[test]
fn an_end_is_told_and_ends_the_watch_of_that_run() {
    let (mut registry, one) = watching(&["a", "b"]);
    look(&mut registry, &[ended("a", 2), growth("b", 1)]);
    look(&mut registry, &[ended("a", 3), growth("b", 1)]);
    assert_eq!(told(&mut registry, one), [("a".to_owned(), true)]);
    assert_eq!(registry.watched.keys().collect::<Vec<_>>(), [&id("b")]);
    registry.add(one, id("a"), Scope::All, Some(Seen { events: 3, children: 0, is_finished: true })).unwrap();
    assert_eq!(told(&mut registry, one), [("a".to_owned(), true)], "whoever comes late is told too");
}

#[test]
fn a_run_that_is_gone_is_told_as_its_end_and_one_that_was_never_there_is_awaited() {
    let (mut registry, one) = watching(&["a"]);
    registry.add(one, id("b"), Scope::All, None).unwrap();
    look(&mut registry, &[]);
    assert_eq!(told(&mut registry, one), [("a".to_owned(), true)]);
    look(&mut registry, &[growth("b", 1)]);
    assert_eq!(told(&mut registry, one), [("b".to_owned(), false)]);
}

#[test]
fn what_is_out_of_scope_is_as_if_it_were_not_there() {
    let mut registry = Registry::default();
    let one = registry.enter(None, Arc::default());
    registry.add(one, id("a"), Scope::Projects(vec!["grid".to_owned()]), None).unwrap();
    look(&mut registry, &[growth("a", 1)]);
    look(&mut registry, &[ended("a", 2)]);
    registry.tell_unseen(&id("a"), Some("cobot"));
    registry.tell_unseen(&id("a"), None);
    assert_eq!(told(&mut registry, one), []);
    registry.tell_unseen(&id("a"), Some("grid"));
    assert_eq!(told(&mut registry, one), [("a".to_owned(), false)]);
}

#[test]
fn only_watched_runs_call_for_a_look() {
    let (mut registry, one) = watching(&["a"]);
    let other = registry.enter(None, Arc::default());
    registry.add(other, id("a"), Scope::All, Some(seen(1))).unwrap();
    assert!(!registry.touch([&id("b")]));
    assert!(registry.touch([&id("b"), &id("a")]) && !registry.touch([&id("a")]));
    registry.leave(one);
    registry.touched.clear();
    assert!(registry.touch([&id("a")]), "the other one still watches it");
    registry.touched.clear();
    registry.remove(other, &id("a"));
    assert!(!registry.touch([&id("a")]) && registry.watched.is_empty());
}

#[test]
fn what_is_watched_is_bounded_and_what_is_let_go_makes_room() {
    let (mut registry, one) = watching(&[]);
    for number in 0..MOST_WATCHED {
        registry.add(one, id(&format!("r{number}")), Scope::All, None).unwrap();
    }
    let other = registry.enter(None, Arc::default());
    assert_eq!(registry.add(other, id("r0"), Scope::All, None), Err(TooManyWatched::InAll));
    registry.add(one, id("r0"), Scope::All, None).unwrap();
    registry.remove(one, &id("r1"));
    registry.add(other, id("r0"), Scope::All, None).unwrap();
    registry.leave(one);
    assert_eq!(registry.watched.values().sum::<usize>(), 1);
}

#[test]
fn one_principal_cannot_watch_for_all_however_often_it_connects() {
    let mut registry = Registry::default();
    let enter = |registry: &mut Registry, who: &str| registry.enter(Some(who.to_owned()), Arc::default());
    let connections: Vec<u64> = (0..6).map(|_| enter(&mut registry, "tok_1")).collect();
    for number in 0..MOST_WATCHED_BY_ONE {
        registry.add(connections[number % 6], id(&format!("r{number}")), Scope::All, None).unwrap();
    }
    let refused = registry.add(connections[0], id("more"), Scope::All, None);
    assert_eq!(refused, Err(TooManyWatched::ByOne));
    registry.add(connections[0], id("r0"), Scope::All, None).unwrap();
    let other = enter(&mut registry, "tok_2");
    registry.add(other, id("more"), Scope::All, None).unwrap();
    registry.leave(connections[1]);
    registry.add(connections[0], id("more"), Scope::All, None).unwrap();
}
