//! Other systems' APIs, spoken exactly, over the same engine.

pub(crate) mod sessions;
