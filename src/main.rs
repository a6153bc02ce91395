//! The `whytrace` program: the MCP server, and the terminal for people.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
