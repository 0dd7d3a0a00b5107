//! The `countersign` program: a thin shell around the library.

use std::process::ExitCode;

/// Transactions are small and many: this allocator keeps a million of them close together.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    countersign::cli::main()
}
