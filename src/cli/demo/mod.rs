//! `countersign demo`: shows everything at work on one machine.
//!
//! A server with embedded SQLite, the sandbox as push service, SMS gateway and website, and the
//! reference phone talk over real HTTP. The walkthrough covers push, SMS, OTP and tokens and stops
//! at the first unexpected answer. Afterwards the server keeps running for experiments by hand.

mod client;
mod environment;
mod fixtures;
mod tokens;
mod transcript;
mod walkthrough;

use std::io::{self, Write};

use clap::Args;

use super::common::{self, CliResult};
use crate::clock::Clock;
use crate::ids::UserId;
use crate::phone::{ApiUserAgent, Connection};
use crate::telemetry::logs::{self, LogSettings};
use client::Client;
use environment::Environment;
use transcript::Transcript;
use walkthrough::Walkthrough;

/// Show a server, its providers, a website, a user and a phone at work, all in one process.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Exit after the walkthrough instead of serving on, with status 0 only if every step
    /// succeeded, and delete the demo's files.
    #[arg(long)]
    once: bool,
}

pub(super) fn run(args: &DemoArgs) -> CliResult {
    let _logs = logs::init(
        &LogSettings {
            json: false,
            filter: "warn".to_owned(),
            requests: false,
        },
        Clock::system(),
    )?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;

    let mut transcript = Transcript::new(io::stdout());
    let environment = runtime.block_on(Environment::start())?;

    let mut outcome = runtime.block_on(walk_through(&environment, &mut transcript));
    if outcome.is_ok() && !args.once {
        environment.write_next_steps(&mut transcript)?;
        outcome = common::wait_for_stop_signal(&runtime).map_err(Into::into);
    }

    let folder = environment.stop()?;
    if args.once && outcome.is_ok() {
        std::fs::remove_dir_all(folder)?;
    } else {
        // After a failure the files help to find out why.
        transcript.text(&format!(
            "\nStopped. The files are kept in {}.",
            folder.display()
        ))?;
    }

    outcome
}

async fn walk_through(
    environment: &Environment,
    transcript: &mut Transcript<impl Write>,
) -> CliResult {
    environment.write_overview(transcript)?;

    let user: UserId = fixtures::USER.parse()?;
    let connection = Connection::new(environment.public_url())?;
    let login = ApiUserAgent::new(
        connection.clone(),
        fixtures::WEBSITE,
        environment.secret(fixtures::WEBSITE),
    );

    let client = |client_id| {
        Client::new(
            environment.public_url(),
            client_id,
            environment.secret(client_id),
        )
    };

    let website = client(fixtures::WEBSITE)?;
    let shop = client(fixtures::SHOP)?;
    let orders_api = client(fixtures::ORDERS_API)?;

    let mut walkthrough = Walkthrough {
        website: &website,
        sandbox: environment.sandbox(),
        user: &user,
        transcript,
    };

    let phone = walkthrough.set_up_phone(connection, &login).await?;
    phone.save(&environment.phone_file())?;

    walkthrough.push(&phone).await?;
    walkthrough.sms().await?;
    walkthrough.otp(&phone).await?;
    walkthrough.pin(&phone, &environment.phone_file()).await?;

    walkthrough
        .stolen_copy(&phone, &environment.phone_file(), &login)
        .await?;

    phone.save(&environment.phone_file())?;

    walkthrough.client_credentials(&shop, &orders_api).await?;
    transcript.part("Every step succeeded")?;

    Ok(())
}
