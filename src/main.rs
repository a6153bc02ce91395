//! The whytrace program.
fn main() {}
