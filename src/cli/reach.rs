//! How another command or a client reaches the same data: the options that say where it lies, given again.
//!
//! What a flag or the environment said is repeated, for a client is started from elsewhere and without this
//! environment. A password is never repeated.

use std::env;
use std::path::{Path, PathBuf};

use whytrace::config::Settings;

/// Where the data lies, as far as somebody said so.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    home: Option<PathBuf>,
    config: Option<PathBuf>,
    /// With [`PASSWORD`] in place of a password.
    database_url: Option<String>,
    schema: Option<String>,
    documents: Option<String>,
    /// Whether the address of the database is one of the environment's.
    url_is_inherited: bool,
}

impl Reach {
    /// What these say of it.
    pub(super) fn of(flags: &Settings, environment: &Settings) -> Self {
        let given = flags.clone().over(environment.clone());
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Self {
            home: given.home.map(absolute),
            config: given.config.map(absolute),
            database_url: given.database_url.as_ref().map(|url| without_password(url.reveal())),
            schema: given.schema,
            documents: given.documents,
            url_is_inherited: flags.database_url.is_none(),
        }
    }

    /// The options for somebody who starts the program, word by word and unquoted; an address with a password is not
    /// among them.
    pub(super) fn options(&self) -> Vec<String> {
        let url = self.database_url.as_ref().filter(|_| self.secret_variable().is_none());
        self.options_with(url)
    }

    /// The variable that a client has to be given, where the address of the database has a password: that belongs
    /// into no command line, where every process can read it. It has to be put in place of [`PASSWORD`].
    pub(super) fn secret_variable(&self) -> Option<(&'static str, &str)> {
        let url = self.database_url.as_deref().filter(|url| url.contains(PASSWORD))?;
        Some(("WHYTRACE_DATABASE_URL", url))
    }

    /// A command of this program on the same data, to be pasted into the shell that this one was started from: what
    /// is in its environment need not be said.
    pub(super) fn command(&self, words: &[&str]) -> String {
        let is_said = !self.url_is_inherited || self.secret_variable().is_none();
        let options = self.options_with(self.database_url.as_ref().filter(|_| is_said));
        let mut command = shell_word(&program());
        for word in words.iter().copied().map(str::to_owned).chain(options) {
            command.push(' ');
            command.push_str(&shell_word(&word));
        }
        command
    }

    fn options_with(&self, database_url: Option<&String>) -> Vec<String> {
        let text = |path: &PathBuf| path.display().to_string();
        let options = [
            ("--home", self.home.as_ref().map(text)),
            ("--config", self.config.as_ref().map(text)),
            ("--database-url", database_url.cloned()),
            ("--schema", self.schema.clone()),
            ("--documents", self.documents.clone()),
        ];
        let said = options.into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?]));
        said.flatten().collect()
    }
}

/// What stands in place of a password.
const PASSWORD: &str = "PASSWORD";

/// The address with its password replaced. An address that is not well formed may hide it anywhere before the last
/// `@`, so all of that goes.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    let user = user.map_or_else(String::new, |user| match user.split_once(':') {
        Some((name, _)) => format!("{name}:{PASSWORD}@"),
        None => format!("{user}@"),
    });
    let place = match place.split_once('?') {
        Some((place, query)) => {
            let masked = query.split('&').map(|field| match field.split_once('=') {
                Some((name, _)) if name.to_ascii_lowercase().contains("pass") => {
                    format!("{name}={PASSWORD}")
                }
                _ => field.to_owned(),
            });
            format!("{place}?{}", masked.collect::<Vec<_>>().join("&"))
        }
        None => place.to_owned(),
    };
    format!("{scheme}://{user}{place}")
}

/// The name by which a shell starts this program: short where the search path leads to it.
fn program() -> String {
    const NAME: &str = "whytrace";
    let Ok(own) = env::current_exe() else { return NAME.to_owned() };
    let leads_here = |folder: PathBuf| {
        let found = folder.join(format!("{NAME}{}", env::consts::EXE_SUFFIX));
        found.is_file().then(|| is_same(&found, &own))
    };
    let on_path = env::var_os("PATH").and_then(|path| env::split_paths(&path).find_map(leads_here));
    if on_path == Some(true) { NAME.to_owned() } else { own.display().to_string() }
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A word as a shell reads it back: as it stands where it is plain, else in quotes.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if cfg!(windows) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_password_is_left_of_an_address() {
        for (given, shown) in [
            ("postgres://me:s3cret@db/runs", "postgres://me:PASSWORD@db/runs"),
            ("postgres://me@db/runs", "postgres://me@db/runs"),
            (
                "postgres://db/runs?password=s3cret&sslmode=require",
                "postgres://db/runs?password=PASSWORD&sslmode=require",
            ),
            ("postgres://me:s3/cr@e:t@db/runs", "postgres://me:PASSWORD@db/runs"),
            ("sqlite:/a b/whytrace.db", "sqlite:/a b/whytrace.db"),
        ] {
            assert_eq!(without_password(given), shown);
        }
    }

    #[test]
    fn an_address_with_a_password_is_for_the_environment_and_inherited_from_there() {
        let url =
            Settings { database_url: Some("postgres://me:s3cret@db/runs".into()), ..Settings::default() };
        let (flag, variable) = (Reach::of(&url, &Settings::default()), Reach::of(&Settings::default(), &url));
        for reach in [&flag, &variable] {
            assert!(reach.options().is_empty());
            let expected = ("WHYTRACE_DATABASE_URL", "postgres://me:PASSWORD@db/runs");
            assert_eq!(reach.secret_variable(), Some(expected));
        }
        assert!(flag.command(&["serve"]).ends_with(" serve --database-url postgres://me:PASSWORD@db/runs"));
        assert!(variable.command(&["serve"]).ends_with(" serve"));
    }

    #[cfg(unix)]
    #[test]
    fn a_word_is_quoted_where_a_shell_would_not_leave_it_alone() {
        for (word, shown) in [
            ("/home/me/whytrace", "/home/me/whytrace"),
            ("my träces", "'my träces'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), shown);
        }
    }
}
