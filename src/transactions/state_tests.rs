use proptest::prelude::*;

use super::*;

const EXPIRY: Timestamp = Timestamp::from_millis(1_000);
const BEFORE: Timestamp = Timestamp::from_millis(999);
const LIMITS: Limits = Limits {
    attempts_max: 3,
    resends_max: 1,
    expires_at: EXPIRY,
};

const ENDINGS: [Ending; 7] = [
    Ending::Accepted,
    Ending::Denied,
    Ending::Reported,
    Ending::Expired,
    Ending::Cancelled,
    Ending::InvalidAnswer,
    Ending::FailedToSend,
];

const EVENTS: [Event; 9] = [
    Event::Accepted,
    Event::WrongAnswer,
    Event::Denied,
    Event::Reported,
    Event::Claimed,
    Event::ResendAsked,
    Event::Cancelled,
    Event::DeliveryFailed,
    Event::Look,
];

fn pending() -> State {
    State::Pending(Pending::default())
}

#[test]
fn each_event_leads_where_the_table_says() {
    let ended = |ending| (State::Final(ending), Some(Effect::Finish), Verdict::Done);
    let goes_on = |pending| (State::Pending(pending), None, Verdict::Done);

    let wrong = (
        State::Pending(Pending {
            attempts: 1,
            ..Pending::default()
        }),
        None,
        Verdict::Wrong {
            attempts_left: Some(2),
        },
    );

    let resent = (
        State::Pending(Pending {
            resends: 1,
            ..Pending::default()
        }),
        Some(Effect::SendAgain),
        Verdict::Done,
    );

    let table = [
        (Event::Accepted, Ok(ended(Ending::Accepted))),
        (Event::WrongAnswer, Ok(wrong)),
        (Event::Denied, Ok(ended(Ending::Denied))),
        (Event::Reported, Ok(ended(Ending::Reported))),
        (
            Event::Claimed,
            Ok(goes_on(Pending {
                claimed: true,
                ..Pending::default()
            })),
        ),
        (Event::ResendAsked, Ok(resent)),
        (Event::Cancelled, Ok(ended(Ending::Cancelled))),
        (Event::DeliveryFailed, Ok(ended(Ending::FailedToSend))),
        (Event::Look, Err(Refusal::NothingToDo)),
    ];

    assert_eq!(table.len(), EVENTS.len());

    for (event, expected) in table {
        let expected = expected.map(|(next, effect, verdict)| Step {
            next,
            effect,
            verdict,
        });

        assert_eq!(
            step(pending(), LIMITS, event, BEFORE),
            expected,
            "{event:?}"
        );
    }
}

#[test]
fn a_final_state_refuses_every_event() {
    for ending in ENDINGS {
        for event in EVENTS {
            for now in [BEFORE, EXPIRY] {
                assert_eq!(
                    step(State::Final(ending), LIMITS, event, now),
                    Err(Refusal::AlreadyFinal(ending))
                );
            }
        }
    }
}

#[test]
fn from_the_deadline_on_every_event_only_expires() {
    for event in EVENTS {
        let decided = step(pending(), LIMITS, event, EXPIRY).unwrap();
        assert_eq!(decided.next, State::Final(Ending::Expired), "{event:?}");

        assert_eq!(
            decided.verdict == Verdict::TooLate,
            event != Event::Look,
            "{event:?}"
        );
    }
}

#[test]
fn the_last_attempt_ends_it() {
    let last = State::Pending(Pending {
        attempts: 2,
        ..Pending::default()
    });
    let decided = step(last, LIMITS, Event::WrongAnswer, BEFORE).unwrap();
    assert_eq!(decided.next, State::Final(Ending::InvalidAnswer));

    assert_eq!(
        decided.verdict,
        Verdict::Wrong {
            attempts_left: Some(0)
        }
    );
}

#[test]
fn a_maximum_of_zero_attempts_means_until_expiry() {
    let limits = Limits {
        attempts_max: 0,
        ..LIMITS
    };

    let many = State::Pending(Pending {
        attempts: 1_000_000,
        ..Pending::default()
    });
    let decided = step(many, limits, Event::WrongAnswer, BEFORE).unwrap();
    assert_eq!(
        decided.verdict,
        Verdict::Wrong {
            attempts_left: None
        }
    );

    assert!(matches!(decided.next, State::Pending(_)));
}

#[test]
fn a_one_time_password_is_claimed_once() {
    let claimed = State::Pending(Pending {
        claimed: true,
        ..Pending::default()
    });
    assert_eq!(
        step(claimed, LIMITS, Event::Claimed, BEFORE),
        Err(Refusal::AlreadyClaimed)
    );
}

#[test]
fn resends_stop_at_the_maximum() {
    let resent = State::Pending(Pending {
        resends: 1,
        ..Pending::default()
    });
    assert_eq!(
        step(resent, LIMITS, Event::ResendAsked, BEFORE),
        Err(Refusal::ResendLimitReached)
    );

    let none = Limits {
        resends_max: 0,
        ..LIMITS
    };
    assert_eq!(
        step(pending(), none, Event::ResendAsked, BEFORE),
        Err(Refusal::ResendLimitReached)
    );
}

fn any_event() -> impl Strategy<Value = Event> {
    proptest::sample::select(EVENTS.to_vec())
}

proptest! {
    /// Whatever happens in whatever order: counters only grow and stay within their limits, the end
    /// is final, and nothing is accepted after the deadline.
    #[test]
    fn any_history_keeps_the_invariants(
        attempts_max in 0_u32..5,
        resends_max in 0_u32..4,
        history in proptest::collection::vec((any_event(), 0_i64..60), 0..60),
    ) {
        let limits = Limits { attempts_max, resends_max, expires_at: EXPIRY };
        let mut state = pending();
        let mut now = 0;
        for (event, pause) in history {
            now += pause;
            match (state, step(state, limits, event, Timestamp::from_millis(now))) {
                (State::Final(ending), decided) => prop_assert_eq!(decided, Err(Refusal::AlreadyFinal(ending))),
                (State::Pending(_), Err(refusal)) => {
                    prop_assert!(!matches!(refusal, Refusal::AlreadyFinal(_)));
                    prop_assert!(now < 1_000);
                }
                (State::Pending(before), Ok(decided)) => {
                    if let State::Pending(after) = decided.next {
                        prop_assert!(after.attempts >= before.attempts && after.resends >= before.resends);
                        prop_assert!(attempts_max == 0 || after.attempts < attempts_max);
                        prop_assert!(after.resends <= resends_max);
                        prop_assert!(now < 1_000);
                    }
                    prop_assert_eq!(decided.effect == Some(Effect::Finish), matches!(decided.next, State::Final(_)));
                    prop_assert!(now < 1_000 || decided.next == State::Final(Ending::Expired));
                    state = decided.next;
                }
            }
        }
    }
}
