//! Where lines go: to standard output, or through a pager once there are more of them than the screen has.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use super::Screen;
use crate::cli::output;

/// The pager where nobody names another: it ends by itself where all fits, takes colours, and leaves the text there.
pub(super) const DEFAULT: &str = "less -FRX";

/// Takes the lines of a view, one after the other.
#[derive(Debug)]
pub(crate) struct Sink {
    to: To,
    is_terminal: bool,
}

#[derive(Debug)]
enum To {
    /// Held back as long as they may fit the screen.
    Held {
        lines: Vec<String>,
        most: usize,
        pager: Vec<String>,
    },
    Output,
    Pager(Child),
    /// The pager was left before the end.
    Nobody,
}

impl Sink {
    pub(crate) fn of(screen: &Screen) -> Self {
        let to = match &screen.pager {
            // The prompt takes a line.
            Some((height, pager)) => {
                To::Held { lines: Vec::new(), most: height.saturating_sub(1), pager: pager.clone() }
            }
            None => To::Output,
        };
        Self { to, is_terminal: screen.is_terminal }
    }

    /// Whether anybody reads on.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.to, To::Nobody)
    }

    /// Takes a line.
    pub(crate) fn line(&mut self, line: impl Into<String>) -> anyhow::Result<()> {
        let line = line.into();
        match &mut self.to {
            To::Held { lines, most, pager } => {
                lines.push(line);
                if lines.len() > *most {
                    let lines = std::mem::take(lines);
                    self.to = start(pager).map_or(To::Output, To::Pager);
                    return self.lines(lines);
                }
            }
            To::Output => output::line(&line)?,
            To::Pager(pager) => {
                let input = pager.stdin.as_mut();
                if input.is_none_or(|input| writeln!(input, "{line}").is_err()) {
                    self.finish_pager();
                }
            }
            To::Nobody => {}
        }
        Ok(())
    }

    /// Takes lines.
    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> anyhow::Result<()> {
        lines.into_iter().try_for_each(|line| self.line(line))
    }

    /// Takes a remark about what is shown, which is no part of it: it goes to standard error where nobody looks at the
    /// output itself.
    pub(crate) fn remark(&mut self, line: impl Into<String>) -> anyhow::Result<()> {
        let line = line.into();
        if self.is_terminal {
            return self.line(line);
        }
        eprintln!("{line}");
        Ok(())
    }

    /// Shows what was held back, and waits for the pager.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        match std::mem::replace(&mut self.to, To::Output) {
            To::Held { lines, .. } => self.lines(lines)?,
            other => self.to = other,
        }
        self.finish_pager();
        Ok(())
    }

    fn finish_pager(&mut self) {
        if let To::Pager(mut pager) = std::mem::replace(&mut self.to, To::Nobody) {
            drop(pager.stdin.take());
            // How it ended is the user's business.
            let _ = pager.wait();
        }
    }
}

/// Starts a pager; `None` where there is none of that name.
fn start(pager: &[String]) -> Option<Child> {
    let (program, arguments) = pager.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    if std::env::var_os("LESSCHARSET").is_none() {
        // What is written is UTF-8 whatever the locale says; else less counts bytes for columns.
        command.env("LESSCHARSET", "utf-8");
    }
    let child = command.spawn().ok()?;
    // Ctrl-C is for the pager, which must not lose its terminal to the shell.
    tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    Some(child)
}
