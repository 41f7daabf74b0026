//! The HTTP side through its router, over a real engine and a real store. Models follow scripts.

mod house;

mod access;
mod approvals;
mod bad_input;
mod conversations;
mod files;
mod movie_analyst;
mod open_house;
mod requests;
