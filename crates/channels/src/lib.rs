//! How it looks: every channel reads what the engine announces and draws it in its own way.
//!
//! Knows: the engine and the words of `domain`.
//! Never: the store, a tool, a model; decides nothing.
//! Start reading at [`console`], the smallest channel.

pub mod console;
