//! `countersign sandbox`: the providers' stand-ins as a program, for integration tests elsewhere.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::common::{self, CliResult};
use crate::sandbox::{Sandbox, SandboxOptions};

#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// Where to write `sandbox.toml`, which makes a server use the stand-ins once `countersign
    /// apply` has read it, and the files it refers to.
    #[arg(long, value_name = "FOLDER", default_value = "sandbox")]
    folder: PathBuf,
    /// The port of APNs; 0 = any free port, as for the others.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    apns_port: u16,
    /// The port of FCM.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    fcm_port: u16,
    /// The port of Twilio.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    twilio_port: u16,
    /// The port of the generic SMS gateway.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    sms_gateway_port: u16,
    /// The port of the website that is called back.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    website_port: u16,
    /// The port of the control API, which shows what was received and makes the stand-ins fail.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    control_port: u16,
}

pub(super) fn run(args: &SandboxArgs) -> CliResult {
    let options = SandboxOptions {
        apns_port: args.apns_port,
        fcm_port: args.fcm_port,
        twilio_port: args.twilio_port,
        sms_gateway_port: args.sms_gateway_port,
        website_port: args.website_port,
        control_port: args.control_port,
        ..SandboxOptions::default()
    };

    let sandbox = Sandbox::start(options)?;
    sandbox.write_files(&args.folder)?;
    write_endpoints(&sandbox)?;
    writeln!(io::stdout(), "files         {}", args.folder.display())?;

    let runtime = common::single_threaded_runtime()?;
    common::wait_for_stop_signal(&runtime)?;
    runtime.block_on(sandbox.shutdown());

    Ok(())
}

fn write_endpoints(sandbox: &Sandbox) -> io::Result<()> {
    let endpoints = sandbox.endpoints();
    let rows = [
        ("apns", &endpoints.apns),
        ("fcm", &endpoints.fcm),
        ("twilio", &endpoints.twilio),
        ("sms gateway", &endpoints.sms_gateway),
        ("website", &endpoints.website),
        ("control", &endpoints.control),
    ];

    let mut out = io::stdout();
    rows.iter()
        .try_for_each(|(name, address)| writeln!(out, "{name:<13} {address}"))
}
