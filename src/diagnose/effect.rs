//! Whether a decision changes something outside the run, by the verb in its key.
//!
//! Keys are the user's own words, so this is a guess, and a cautious one: the first word of the key that is in one of
//! the two lists decides. `update_reservation` changes something, `get_updates` looks something up, and of
//! `source_selection` nothing is known.

/// Verbs of keys that change something that others see: records, files, money, messages. Those that are as often
/// nouns (`order_status`, `issue_search`) are left out.
const CHANGES: &[&str] = &[
    "add",
    "append",
    "apply",
    "approve",
    "archive",
    "assign",
    "book",
    "buy",
    "cancel",
    "change",
    "commit",
    "create",
    "delete",
    "deploy",
    "disable",
    "edit",
    "enable",
    "escalate",
    "exchange",
    "grant",
    "insert",
    "install",
    "merge",
    "modify",
    "move",
    "notify",
    "overwrite",
    "patch",
    "pay",
    "post",
    "publish",
    "purchase",
    "push",
    "put",
    "refund",
    "register",
    "reject",
    "remove",
    "rename",
    "replace",
    "reserve",
    "reset",
    "restart",
    "return",
    "revert",
    "revoke",
    "save",
    "send",
    "set",
    "submit",
    "transfer",
    "truncate",
    "uninstall",
    "update",
    "upload",
    "upsert",
    "withdraw",
    "write",
];

/// Verbs of keys that look, compute, or talk.
const LOOKS: &[&str] = &[
    "analyze",
    "ask",
    "assess",
    "browse",
    "calculate",
    "cat",
    "check",
    "choose",
    "classify",
    "compare",
    "compute",
    "count",
    "decide",
    "describe",
    "display",
    "evaluate",
    "examine",
    "explain",
    "extract",
    "fetch",
    "filter",
    "find",
    "get",
    "goto",
    "grep",
    "inspect",
    "judge",
    "list",
    "load",
    "look",
    "lookup",
    "ls",
    "measure",
    "open",
    "parse",
    "plan",
    "predict",
    "query",
    "rank",
    "read",
    "retrieve",
    "review",
    "scan",
    "score",
    "scroll",
    "search",
    "select",
    "show",
    "summarize",
    "test",
    "think",
    "validate",
    "verify",
    "view",
    "watch",
];

/// The verb by which a key changes something, if it does.
pub(super) fn changing_verb(key: &str) -> Option<String> {
    let verb = parts(key).into_iter().find(|part| is_in(CHANGES, part) || is_in(LOOKS, part))?;
    is_in(CHANGES, &verb).then_some(verb)
}

fn is_in(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

/// The words of a key in lower case: parted at everything that is no letter, and before capitals.
fn parts(key: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut is_within = false;
    let mut was_capital = false;
    for c in key.chars().take(200) {
        if !c.is_alphabetic() {
            is_within = false;
            was_capital = false;
            continue;
        }
        let begins = !is_within || (c.is_uppercase() && !was_capital);
        if begins {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.extend(c.to_lowercase());
        }
        is_within = true;
        was_capital = c.is_uppercase();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order_and_have_nothing_in_common() {
        for list in [CHANGES, LOOKS] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{list:?}");
        }
        assert!(CHANGES.iter().all(|verb| !is_in(LOOKS, verb)));
    }

    #[test]
    fn the_first_verb_of_a_key_decides() {
        for (key, verb) in [
            ("update_reservation_flights", Some("update")),
            ("get_updates", None),
            ("sendEmail", Some("send")),
            ("mcp__mail__send_message", Some("send")),
            ("db.Delete", Some("delete")),
            ("source_selection", None),
            ("think", None),
            ("HTTPPost", None),
            ("", None),
        ] {
            assert_eq!(changing_verb(key).as_deref(), verb, "{key}");
        }
    }
}
