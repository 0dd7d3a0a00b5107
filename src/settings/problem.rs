use std::fmt;

/// Something that does not do in what administrators configure: where, and why. Never shows a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Such as `authentication_types[2].time_to_live_seconds`.
    pub place: String,
    /// What is wrong and what would do.
    pub problem: String,
}

impl Problem {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }

    /// The same problem, seen from the object that the place is in.
    pub(super) fn within(self, outer: &str) -> Self {
        let place = if self.place.is_empty() {
            outer.to_owned()
        } else {
            format!("{outer}.{}", self.place)
        };
        Self { place, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}
