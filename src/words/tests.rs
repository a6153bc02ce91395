//! How texts are cut and queries read, by example and for any text.

use proptest::prelude::*;

use super::*;

fn word(word: &str) -> Term {
    Term::Word(word.to_owned())
}

fn phrase(words: &[&str]) -> Term {
    Term::Phrase(words.iter().map(|word| (*word).to_owned()).collect())
}

fn prefix(prefix: &str) -> Term {
    Term::Prefix(prefix.to_owned())
}

#[test]
fn words_are_cut_at_everything_that_is_no_letter_or_digit() {
    assert_eq!(
        words("It's source_selection, v1.2-rc3!"),
        ["it", "s", "source", "selection", "v1", "2", "rc3"]
    );
    assert_eq!(words(" \u{301}\u{1f680} ... "), Vec::<String>::new());
}

#[test]
fn spellings_of_one_word_are_the_same_word() {
    for twins in [
        ["Stra\u{df}e", "STRASSE"],
        ["\u{3bf}\u{3b4}\u{3cc}\u{3c2}", "\u{39f}\u{394}\u{38c}\u{3a3}"],
        ["caf\u{e9}", "CAFE\u{301}"],
        ["\u{fb01}le", "File"],
        ["\u{ff21}\u{ff22}", "ab"],
        ["co\u{ad}operate", "cooperate"],
        ["\u{ff76}\u{ff9e}", "\u{30ac}"],
    ] {
        assert_eq!(words(twins[0]), words(twins[1]), "{twins:?}");
    }
    assert_ne!(words("cafe"), words("caf\u{e9}"));
}

#[test]
fn cjk_is_cut_into_pairs() {
    assert_eq!(words("東京都"), ["東京", "京都"]);
    assert_eq!(words("猫"), ["猫"]);
    assert_eq!(words("iPhoneは東京で"), ["iphone", "は東", "東京", "京で"]);
    assert_eq!(words("데이터 수집"), ["데이", "이터", "수집"]);
    assert_eq!(words("コーヒー"), ["コー", "ーヒ", "ヒー"]);
}

#[test]
fn long_words_are_cut_at_a_character() {
    assert_eq!(words(&"x".repeat(100)), ["x".repeat(64)]);
    assert_eq!(words(&"\u{e9}a".repeat(40)), ["\u{e9}a".repeat(21)]);
    assert!(SearchQuery::parse(&"x".repeat(90)).matches(&words(&"x".repeat(100))));
}

#[test]
fn a_query_has_words_phrases_and_one_prefix_at_its_end() {
    assert_eq!(SearchQuery::parse("Exa reddit").terms, [word("exa"), word("reddit")]);
    assert_eq!(SearchQuery::parse("\"a b\" c").terms, [phrase(&["a", "b"]), word("c")]);
    assert_eq!(SearchQuery::parse("“a b” “c”").terms, [phrase(&["a", "b"]), word("c")]);
    assert_eq!(SearchQuery::parse("META-12").terms, [phrase(&["meta", "12"])]);
    assert_eq!(SearchQuery::parse("a* b*").terms, [word("a"), prefix("b")]);
    assert_eq!(SearchQuery::parse("source_sel*").terms, [word("source"), prefix("sel")]);
    assert_eq!(SearchQuery::parse("\"a*\"").terms, [word("a")]);
    assert_eq!(SearchQuery::parse("a *").terms, [word("a")]);
    assert_eq!(SearchQuery::parse("猫 東京都").terms, [prefix("猫"), phrase(&["東京", "京都"])]);
}

#[test]
fn nothing_else_is_an_operator() {
    let typed = "a AND NOT b OR NEAR(c) -d what:e ^f + (g | !h) <-> 'i' \\ %j_ ; --";
    assert!(SearchQuery::parse(typed).terms.iter().all(|term| !matches!(term, Term::Prefix(_))));
    assert!(SearchQuery::parse(typed).matches(&words(typed)));
    assert_eq!(SearchQuery::parse("5\" screen").terms, [word("5"), word("screen")]);
    assert!(SearchQuery::parse("\" * -- \"\"").is_empty());
}

#[test]
fn a_query_has_at_most_32_terms_and_says_when_it_was_cut() {
    let typed: Vec<String> = (0..40).map(|n| format!("w{n}")).collect();
    let query = SearchQuery::parse(&typed.join(" "));
    assert_eq!((query.terms.len(), query.is_cut), (32, true));
    assert!(SearchQuery::parse(&format!("\"{}\"", typed.join(" "))).is_cut);
    assert!(!SearchQuery::parse(&"same ".repeat(50)).is_cut);
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "Exa",
        "source",
        "_",
        "-",
        " ",
        "  ",
        "\"",
        "*",
        "東京",
        "都",
        "カ\u{3099}",
        "\u{301}",
        "\u{df}",
        "\u{130}",
        "AND",
        "1",
        ".",
        "\u{200d}",
        "\u{fb03}",
        "데이터",
        "x",
        "\u{200b}",
    ]);
    prop_oneof![prop::collection::vec(piece, 0..16).prop_map(|parts| parts.concat()), any::<String>()]
}

proptest! {
    #[test]
    fn a_word_is_short_holds_only_letters_digits_and_marks_and_is_its_own_word(text in texts()) {
        for word in words(&text) {
            prop_assert!((1..=WORD_BYTES).contains(&word.len()));
            prop_assert!(word.chars().all(|c| c.is_alphanumeric() || is_combining_mark(c)), "{:?}", word);
            prop_assert_eq!(words(&word), [word]);
        }
    }

    #[test]
    fn texts_apart_are_cut_apart(a in texts(), b in texts()) {
        let together = words(&format!("{a} {b}"));
        prop_assert_eq!(together, [words(&a), words(&b)].concat());
    }

    #[test]
    fn every_text_is_found_by_itself_typed_or_quoted(text in texts()) {
        let cut = words(&text);
        prop_assert!(SearchQuery::parse(&text).matches(&cut), "{:?}", SearchQuery::parse(&text));
        let quoted = format!("\"{}\"", text.replace(['"', '“', '”', '„'], " "));
        prop_assert!(SearchQuery::parse(&quoted).matches(&cut));
    }

    #[test]
    fn every_prefix_of_a_word_finds_it(text in texts(), chars in 1usize..5) {
        for word in words(&text) {
            let start: String = word.chars().take(chars).collect();
            let query = SearchQuery::parse(&format!("{start}*"));
            prop_assert!(query.matches(&[word]));
        }
    }

    #[test]
    fn a_query_matches_no_less_with_more_text(text in texts(), more in texts(), typed in texts()) {
        let query = SearchQuery::parse(&typed);
        let (part, whole) = (words(&text), words(&format!("{text} {more}")));
        prop_assert!(!query.matches(&part) || query.matches(&whole));
    }
}
