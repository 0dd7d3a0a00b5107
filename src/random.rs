//! Randomness. The source is passed as a parameter, so that tests can replace it.

use std::sync::Arc;

/// A source of random bytes that are good enough for secrets.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

pub type SharedRandom = Arc<dyn Random>;

/// The generator of AWS-LC, which the operating system seeds.
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without randomness the server must not issue anything"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system provides randomness");
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
