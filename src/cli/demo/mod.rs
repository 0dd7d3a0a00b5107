//! `countersign demo`: the whole thing on one machine, in front of one's eyes.
//!
//! A server with embedded SQLite, the sandbox as push service, SMS gateway and website, and the
//! reference phone, all talking over real HTTP. It walks through push, SMS, OTP and tokens and
//! stops at the first thing that is not as it should be; then it keeps serving, so that one can go
//! on by hand.

mod house;
mod story;
mod tokens;
mod transcript;
mod website;

use std::io::{self, Write};

use clap::Args;

use super::Outcome;
use super::serve;
use crate::clock::Clock;
use crate::ids::UserId;
use crate::phone::{ApiLoginPage, Connection};
use crate::telemetry::logs::{self, LogSettings};
use house::House;
use story::Cast;
use transcript::Transcript;
use website::Website;

/// The demo's application.
const APPLICATION: &str = "bank";
/// Where its log-ins end.
const REDIRECT_URI: &str = "bank://login";
/// The website's API client.
const CLIENT_ID: &str = "website";
/// A web client that acts on its own.
const SHOP: &str = "shop";
/// The API client that the shop's tokens are for.
const ORDERS_API: &str = "orders-api";
/// The demo's user.
const USER: &str = "alice";
/// The address the demo's phone is reached at by push.
const PUSH_TOKEN: &str = "demo-registration-token";
/// The demo's user's telephone number, one that Twilio keeps for tests.
const PHONE_NUMBER: &str = "+15005550010";

/// See it work: a server, its providers, a website, a user and a phone in one process.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End after the walk, with exit status 0 only if every step succeeded, and leave nothing
    /// behind.
    #[arg(long)]
    once: bool,
}

/// Runs the demo.
pub(super) fn run(args: &DemoArgs) -> Outcome {
    logs::init(
        &LogSettings {
            json: false,
            filter: "warn".to_owned(),
        },
        Clock::system(),
    )?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut transcript = Transcript::new(io::stdout());
    let house = runtime.block_on(House::open())?;
    let mut outcome = runtime.block_on(walk(&house, &mut transcript));
    if outcome.is_ok() && !args.once {
        house.invite(&mut transcript)?;
        outcome = serve::wait_for_the_end(&runtime);
    }

    let folder = house.close()?;
    if args.once && outcome.is_ok() {
        std::fs::remove_dir_all(folder)?;
    } else {
        transcript.text(&format!(
            "\nStopped. The files are kept in {}.",
            folder.display()
        ))?;
    }

    outcome
}

/// Tells the whole story.
async fn walk(house: &House, transcript: &mut Transcript<impl Write>) -> Outcome {
    house.introduce(transcript)?;
    let user: UserId = USER.parse()?;
    let connection = Connection::new(house.public_url())?;
    let login = ApiLoginPage::new(connection.clone(), CLIENT_ID, house.secret(CLIENT_ID));
    let client = |client_id| Website::new(house.public_url(), client_id, house.secret(client_id));
    let (website, shop, orders_api) = (client(CLIENT_ID)?, client(SHOP)?, client(ORDERS_API)?);
    let mut cast = Cast {
        website: &website,
        sandbox: house.sandbox(),
        user: &user,
        transcript,
    };
    let phone = cast.get_a_phone_ready(connection, &login).await?;
    phone.save(&house.phone_file())?;
    cast.push(&phone).await?;
    cast.sms().await?;
    cast.otp(&phone).await?;
    cast.pin(&phone, &house.phone_file()).await?;
    cast.thief(&phone, &house.phone_file(), &login).await?;
    phone.save(&house.phone_file())?;
    cast.service(&shop, &orders_api).await?;
    transcript.part("Every step succeeded")?;
    Ok(())
}
