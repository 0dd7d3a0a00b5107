//! Pages for people: few, without scripts, styles or anything from elsewhere.

pub(crate) mod built_in;
pub(crate) mod device;
mod html;
