//! The terminal: what can be said to the program, and what it says back.
//!
//! Without a command it is an MCP server on standard input and output, and then standard output carries the
//! protocol alone. Everything else that is said goes to standard error; results of commands go to standard output.
//! Exit codes: 0 done, 1 something was wrong or not found, 2 the command line was.

mod answer;
mod backup;
mod calibration;
mod compare;
mod completions;
mod delete;
mod demo;
mod diagnose;
mod doctor;
mod export;
mod filter;
mod flags;
mod frontmatter;
mod greeting;
mod import;
mod list;
mod log;
mod output;
mod patterns;
mod progress;
mod prune;
mod reach;
mod redact;
mod reindex;
mod screen;
mod search;
mod serve;
mod show;
mod summary;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use whytrace::config::{Config, Hidden, Settings};

use reach::Reach;

/// Records why an agent's run went as it did, and answers questions about it over MCP.
///
/// Without a command, serves MCP on standard input and output: that is how clients start it.
#[derive(Debug, Parser)]
#[command(name = "whytrace", version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "Examples:
  whytrace                       serve MCP on standard input and output
  whytrace serve                 serve MCP over HTTP on 127.0.0.1:7717
  whytrace demo                  a history that is made up, to look around in
  whytrace list --since 24h      the runs of the last day
  whytrace show last             the scorecard of the latest run
  whytrace import runs/*.json    take in trace documents
  whytrace token new --help      tokens for clients on other machines
  whytrace doctor                say what disagrees between journal, documents and database

Every option can also be set in HOME/config.toml, or as WHYTRACE_<NAME> in the environment.";

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct Options {
    /// Folder of documents, journals and the embedded database
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Another configuration file than HOME/config.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:PATH
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<Hidden>,
    /// Postgres schema that holds everything [default: whytrace]
    #[arg(long, global = true, value_name = "NAME")]
    schema: Option<String>,
    /// Where documents lie: a folder, s3://BUCKET/PREFIX, gs://... or az://... [default: HOME]
    #[arg(long, global = true, value_name = "WHERE")]
    documents: Option<String>,
    /// Refuse what this store does not take at once, instead of leaving it pending
    #[arg(long, global = true, value_name = "STORE", value_parser = ["database"])]
    require: Option<String>,
    /// Which tools to offer [default: all]
    #[arg(long, global = true, value_name = "SET", value_parser = ["all", "read", "write"])]
    tools: Option<String>,
    /// What is kept of prompts' texts [default: full]
    #[arg(long, global = true, value_name = "HOW", value_parser = ["full", "lengths", "off"])]
    prompts: Option<String>,
    /// What is logged to standard error, such as whytrace=debug
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// How it is logged [default: text]
    #[arg(long, global = true, value_name = "FORMAT", value_parser = ["text", "json"])]
    log_format: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP over HTTP: /mcp, and /sse with /messages for old clients
    Serve(serve::Serve),
    /// List runs, the newest first
    List(Box<list::List>),
    /// Figures over many runs, or the scorecard of one
    Summary(Box<summary::Summary>),
    /// Show one run: its scorecard, all of it, or its document
    Show(show::Show),
    /// Hold run B against run A: where they parted, and what came of it
    Compare(compare::Compare),
    /// Say what most likely went wrong in one run, and why
    Diagnose(diagnose::Diagnose),
    /// Say which principles keep failing, and whether that changes
    Patterns(patterns::Patterns),
    /// Find decisions of all runs, or what became of an option
    Search(Box<search::Search>),
    /// Say whether stated confidence comes true
    Calibration(Box<calibration::Calibration>),
    /// Calibration flags: what needs attention, and answering it
    Flags(flags::Flags),
    /// Take in trace documents: JSON files, folders of them, or JSON Lines
    Import(import::Import),
    /// Say what disagrees between journal, documents and database
    Doctor(doctor::Doctor),
    /// Build the database again from the documents
    Reindex(reindex::Reindex),
    /// Write runs as documents, for another home or another program
    Export(Box<export::Export>),
    /// Print the front matter that links a report to its run
    Frontmatter(frontmatter::Frontmatter),
    /// Delete runs everywhere, for good
    Delete(delete::Delete),
    /// Delete finished runs that are old enough
    Prune(prune::Prune),
    /// Take a text out of a run, everywhere
    Redact(redact::Redact),
    /// Copy everything into a folder
    Backup(backup::Backup),
    /// Restore a backup into an empty home
    Restore(backup::Restore),
    /// Write the history of a pipeline that does not exist, to look around in
    Demo(demo::Demo),
    /// Make, list and revoke the tokens of clients that come over HTTP
    Token(token::Tokens),
    /// Print the completions of commands and options for a shell
    Completions(completions::Completions),
}

/// Ends the program because of the command line, as a fault in an option of the command that was given would.
fn usage(kind: clap::error::ErrorKind, message: String) -> ! {
    use clap::CommandFactory as _;
    let given = Arguments::command().get_matches();
    let mut program = Arguments::command();
    // Gives each command the name that its usage begins with.
    program.build();
    let (mut command, mut given) = (&program, given.subcommand());
    while let Some((name, below)) = given {
        command = command.find_subcommand(name).unwrap_or(command);
        given = below.subcommand();
    }
    command.clone().error(kind, message).exit()
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// All is well.
    Done,
    /// Something was wrong, and has been said.
    Trouble,
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Trouble) => ExitCode::from(1),
        Err(error) => {
            eprintln!("whytrace: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<Ending> {
    let Arguments { options, command } = arguments;
    if let Some(Command::Completions(completions)) = &command {
        return completions.run();
    }
    let mut settings = Settings {
        home: options.home,
        config: options.config,
        database_url: options.database_url,
        schema: options.schema,
        documents: options.documents,
        require: options.require,
        tools: options.tools,
        prompts: options.prompts,
        log: options.log,
        log_format: options.log_format,
        ..Settings::default()
    };
    if let Some(Command::Serve(serve)) = &command {
        serve.settle(&mut settings);
    }
    let environment = Settings::from_environment(|name| std::env::var(name).ok())?;
    if let Some(Command::Demo(_)) = &command {
        demo::Demo::settle(&mut settings, &environment);
    }
    let reach = Reach::of(&settings, &environment);
    let config = Config::load(settings, |name| std::env::var(name).ok())?;
    log::to_standard_error(&config, command.is_none());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ending = runtime.block_on(async {
        match command {
            None => serve::stdio(&config, &reach).await,
            Some(Command::Serve(_)) => serve::http(&config, &reach).await,
            Some(Command::List(list)) => list.run(&config).await,
            Some(Command::Summary(summary)) => summary.run(&config).await,
            Some(Command::Show(show)) => show.run(&config).await,
            Some(Command::Compare(compare)) => compare.run(&config).await,
            Some(Command::Diagnose(diagnose)) => diagnose.run(&config).await,
            Some(Command::Patterns(patterns)) => patterns.run(&config).await,
            Some(Command::Search(search)) => search.run(&config).await,
            Some(Command::Calibration(calibration)) => calibration.run(&config).await,
            Some(Command::Flags(flags)) => flags.run(&config).await,
            Some(Command::Import(import)) => import.run(&config).await,
            Some(Command::Doctor(doctor)) => doctor.run(&config).await,
            Some(Command::Reindex(reindex)) => reindex.run(&config).await,
            Some(Command::Export(export)) => export.run(&config).await,
            Some(Command::Frontmatter(frontmatter)) => frontmatter.run(&config).await,
            Some(Command::Delete(delete)) => delete.run(&config).await,
            Some(Command::Prune(prune)) => prune.run(&config).await,
            Some(Command::Redact(redact)) => Box::pin(redact.run(&config)).await,
            Some(Command::Backup(backup)) => backup.run(&config).await,
            Some(Command::Restore(restore)) => restore.run(&config).await,
            Some(Command::Demo(demo)) => demo.run(&config, &reach).await,
            Some(Command::Token(tokens)) => tokens.run(&config).await,
            Some(Command::Completions(completions)) => completions.run(),
        }
    });
    // A pending read of standard input cannot be cancelled, and nothing is left to do.
    runtime.shutdown_background();
    ending
}
