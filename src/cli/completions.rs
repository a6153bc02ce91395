//! `whytrace completions`: what a shell needs to complete commands and options.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Arguments, Ending, output};

/// Print the completions of commands and options for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Where the script goes; the next shell that is started knows it:
  bash        whytrace completions bash > ~/.local/share/bash-completion/completions/whytrace
              (needs the package bash-completion; without it, source the script in ~/.bashrc)
  zsh         whytrace completions zsh > ~/.zfunc/_whytrace
              (with `fpath+=~/.zfunc` in ~/.zshrc, before its `autoload -U compinit && compinit`)
  fish        whytrace completions fish > ~/.config/fish/completions/whytrace.fish
  powershell  whytrace completions powershell | Out-String | Invoke-Expression     (in $PROFILE)
  elvish      whytrace completions elvish > ~/.config/elvish/lib/whytrace.elv
              (with `use whytrace` in ~/.config/elvish/rc.elv)")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script. Needs no settings and touches no data.
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "whytrace", &mut script);
        output::line(String::from_utf8_lossy(&script).trim_end())?;
        Ok(Ending::Done)
    }
}
